/** The MLflow that mlts is compared with, and installs where one is asked for. */
export const MLFLOW_VERSION = '3.17.2';
