import { Option } from 'commander';
import type { EnvironmentManager } from '../../environments/environment.ts';
import type { ModelEnvironmentOptions } from '../../serving/model-process.ts';

/** What all of MLflow's verbs that load a model say about its environment. */
export interface EnvironmentFlags {
  readonly envManager: EnvironmentManager;
  readonly installMlflow: boolean;
}

export function createEnvironmentManagerOption(): Option {
  return new Option('--env-manager <manager>', 'what makes the environment of the model')
    .choices(['local', 'virtualenv', 'uv', 'conda'])
    .default('virtualenv');
}

export function createInstallMlflowOption(): Option {
  return new Option(
    '--install-mlflow',
    'put MLflow into it: the sources in MLFLOW_HOME, else MLflow 3.17.2',
  ).default(false);
}

export function readEnvironmentFlags({
  envManager,
  installMlflow,
}: EnvironmentFlags): ModelEnvironmentOptions {
  return { manager: envManager, installsMlflow: installMlflow };
}
