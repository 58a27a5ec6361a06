import { join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import type { Mlmodel, Written } from './mlmodel.ts';

/** Which file of a model its environment is made from; undefined: the model names none. */
export interface ModelEnvironment {
  readonly kind: 'python_env' | 'conda_env';
  /** Absolute. */
  readonly file: string;
}

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

/**
 * What the environment of a model is made from (`mlflow/utils/virtualenv.py`, `_get_python_env`): for conda its
 * conda.yaml, for the others its python_env.yaml, else its conda.yaml too.
 */
export function findModelEnvironment(
  { env }: Written,
  folder: string,
  forConda: boolean,
): ModelEnvironment | undefined {
  const named = typeof env === 'string' ? { conda: env } : ((env ?? {}) as Written);
  const [conda, virtualenv] = [named.conda, named.virtualenv].map((name) =>
    typeof name === 'string' ? join(folder, name) : undefined,
  );
  if (!forConda && virtualenv !== undefined) return { kind: 'python_env', file: virtualenv };
  return conda === undefined ? undefined : { kind: 'conda_env', file: conda };
}
