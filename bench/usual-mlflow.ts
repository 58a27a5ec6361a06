import { type RunningServer, startMlflowServer } from '../test/setup/mlflow.ts';

/** MLflow's server as its users have it: four workers, and the processes for jobs that the tests do without. */
export function startUsualMlflow(
  more: readonly string[] = [],
): Promise<RunningServer & { readonly folder: string }> {
  return startMlflowServer(['--workers', '4', ...more], {
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'true',
  });
}
