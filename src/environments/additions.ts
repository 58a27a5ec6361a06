import { type Env, variables } from '../core/environment-variables.ts';
import { MLFLOW_VERSION } from '../core/mlflow-version.ts';
import type { EnvironmentAdditions } from './environment.ts';

/** What the user asks for beyond the files of a model. */
export interface AskedAdditions {
  /** `--install-mlflow`: the sources that MLFLOW_HOME names, else the version that mlts is compared with. */
  readonly installsMlflow: boolean;
  /** `--pip-requirements-override`: one requirement each. */
  readonly requirements: readonly string[];
}

/**
 * With MLflow the environment gets the name that MLflow's own `--install-mlflow` gives to it
 * (`PyFuncBackend` in `mlflow/pyfunc/backend.py`). With requirements on top it gets a name of its own:
 * MLflow would change the environment of all who use the model's own one, or leave them out where
 * that one is there already.
 */
export function planAdditions(
  { installsMlflow, requirements }: AskedAdditions,
  env: Env,
): EnvironmentAdditions | undefined {
  if (!installsMlflow && requirements.length === 0) return undefined;
  const home = env[variables.mlflowHome];
  const mlflowId = installsMlflow ? (home ?? MLFLOW_VERSION) : '';
  return {
    id: [mlflowId, ...requirements].join('\n'),
    requirements,
    mlflow: installsMlflow ? chooseMlflow(home) : undefined,
  };
}

function chooseMlflow(home: string | undefined): EnvironmentAdditions['mlflow'] {
  return home ? { kind: 'sources', folder: home } : { kind: 'version', version: MLFLOW_VERSION };
}

/** MLflow as lines of a requirements file (`_get_pip_install_mlflow` in `mlflow/utils/environment.py`). */
export function requireMlflow(
  additions: EnvironmentAdditions | undefined,
  quote: (path: string) => string,
): readonly string[] {
  const mlflow = additions?.mlflow;
  if (mlflow === undefined) return [];
  return [mlflow.kind === 'sources' ? `-e ${quote(mlflow.folder)}` : `mlflow==${mlflow.version}`];
}
