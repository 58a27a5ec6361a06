import { join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import type { EnvironmentSource } from '../environments/environment.ts';
import { kindOf } from '../host/files.ts';
import type { LocalModel } from './local-model.ts';
import type { Mlmodel, Written } from './mlmodel.ts';

/** The names under which MLflow saves them; an MLmodel file may have others for the first two. */
export const PYTHON_ENV_FILE = 'python_env.yaml';
export const CONDA_FILE = 'conda.yaml';
export const REQUIREMENTS_FILE = 'requirements.txt';

/**
 * The `python_function` flavor, with which a model can be loaded whatever it was trained with.
 *
 * @throws InvalidInput where the model has none.
 */
export function requirePythonFunction({ flavors }: Mlmodel, folder: string): Written {
  const flavor = flavors.get('python_function');
  if (flavor !== undefined) return flavor;
  throw new InvalidInput(
    `the model in ${folder} has no \`python_function\` flavor, only: ${[...flavors.keys()].join(', ')}`,
    { hint: 'log it with a flavor of MLflow that Python can load, or as a custom python model' },
  );
}

export interface EnvironmentFiles {
  readonly conda: string;
  readonly virtualenv: string;
}

/**
 * What the environment files of a model are called, below its folder: until MLflow 2.0 `env` named its
 * conda.yaml only (`_get_python_env_file` in `mlflow/utils/virtualenv.py`).
 */
export function nameEnvironmentFiles({ env }: Written): EnvironmentFiles {
  const named = typeof env === 'string' ? { conda: env } : ((env ?? {}) as Written);
  return {
    conda: typeof named.conda === 'string' ? named.conda : CONDA_FILE,
    virtualenv: typeof named.virtualenv === 'string' ? named.virtualenv : PYTHON_ENV_FILE,
  };
}

/**
 * What the environment of a model is made from (`_get_python_env` in `mlflow/utils/virtualenv.py`): for conda
 * its conda.yaml; for the others its python_env.yaml, else the Python of its conda.yaml with its
 * requirements.txt, else all of its conda.yaml that pip can install.
 *
 * @throws InvalidInput where the model has none of them.
 */
export async function findModelEnvironment(
  { folder, file }: LocalModel,
  forConda: boolean,
): Promise<EnvironmentSource> {
  const names = nameEnvironmentFiles(requirePythonFunction(file, folder));
  const [conda, virtualenv] = [join(folder, names.conda), join(folder, names.virtualenv)];
  const has = async (path: string) => (await kindOf(path)) === 'file';
  if (!forConda && (await has(virtualenv))) {
    return { directory: folder, kind: 'python_env', file: virtualenv };
  }
  if (!(await has(conda)))
    throw refuseWithoutFiles(folder, forConda ? [conda] : [virtualenv, conda]);
  const hasRequirements = !forConda && (await has(join(folder, REQUIREMENTS_FILE)));
  return {
    directory: folder,
    kind: 'conda_env',
    file: conda,
    requirementsFile: hasRequirements ? REQUIREMENTS_FILE : undefined,
  };
}

function refuseWithoutFiles(folder: string, looked: readonly string[]): InvalidInput {
  return new InvalidInput(
    `the model in ${folder} does not say what its environment is made of: there is no ${looked.join(', and no ')}`,
    { hint: 'use --env-manager local, in an environment that has the packages of the model' },
  );
}
