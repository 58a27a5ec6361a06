import { MltsError } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { createCondaEnvironment } from './conda.ts';
import type { Environment, EnvironmentManager, EnvironmentSource } from './environment.ts';
import { createLocalEnvironment } from './local.ts';
import { createVirtualenv } from './virtualenv.ts';

/**
 * The environment that `manager` makes from a project's or model's files. Without one the files decide, as
 * MLflow's `_env_type_to_env_manager` does (`mlflow/projects/backend/local.py`): conda for a conda.yaml,
 * else a virtual environment.
 *
 * @throws MltsError for docker, whose environment needs more of the project than `source` holds.
 */
export function openEnvironment(
  manager: EnvironmentManager | undefined,
  source: EnvironmentSource,
  context: Context,
): Environment {
  const chosen = manager ?? (source.kind === 'conda_env' ? 'conda' : 'virtualenv');
  switch (chosen) {
    case 'local':
      return createLocalEnvironment();
    case 'virtualenv':
    case 'uv':
      return createVirtualenv(chosen, source, context);
    case 'conda':
      return createCondaEnvironment(source, context);
    case 'docker':
      throw new MltsError('NOT_IMPLEMENTED', 'a docker environment is not opened from files alone');
  }
}
