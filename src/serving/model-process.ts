import { fileURLToPath } from 'node:url';
import { InvalidInput } from '../core/errors.ts';
import type { ProcessLaunch } from '../core/launch.ts';
import { quoteForShell } from '../core/shell-word.ts';
import { planAdditions } from '../environments/additions.ts';
import type {
  EnvironmentManager,
  EnvironmentSource,
  PreparedEnvironment,
} from '../environments/environment.ts';
import { openEnvironment } from '../environments/open.ts';
import type { Context } from '../host/context.ts';
import { findModelEnvironment, requirePythonFunction } from '../models/environment-source.ts';
import type { LocalModel } from '../models/local-model.ts';

/** Lies beside this file, and beside the bundled program; so does what they import. */
const WORKER = fileURLToPath(new URL('./worker.py', import.meta.url));
/** Predicts files. */
export const PREDICTOR = fileURLToPath(new URL('./predict.py', import.meta.url));

export interface ModelEnvironmentOptions {
  readonly manager: EnvironmentManager;
  /** `--install-mlflow`; as in MLflow it does nothing where the manager is `local`. */
  readonly installsMlflow?: boolean;
  /** `--pip-requirements-override`, one requirement each; they come after those of the model. */
  readonly requirementsOverride?: readonly string[];
}

/**
 * Makes the environment in which a model is loaded, where it is not there yet.
 *
 * @throws InvalidInput for a model that Python cannot load, for one that does not say what it needs, for an
 * override where nothing is made, and what making an environment throws.
 */
export async function prepareModelEnvironment(
  model: LocalModel,
  options: ModelEnvironmentOptions,
  context: Context,
): Promise<PreparedEnvironment> {
  const environment = openEnvironment(
    options.manager,
    await findSource(model, options, context),
    context,
  );
  await environment.check();
  return environment.prepare(context.interrupts.signal);
}

async function findSource(
  model: LocalModel,
  { manager, installsMlflow = false, requirementsOverride = [] }: ModelEnvironmentOptions,
  { env }: Context,
): Promise<EnvironmentSource> {
  requirePythonFunction(model.file, model.folder);
  if (manager !== 'local') {
    const source = await findModelEnvironment(model, manager === 'conda');
    const asked = { installsMlflow, requirements: requirementsOverride };
    return { ...source, additions: planAdditions(asked, env) };
  }
  if (requirementsOverride.length === 0) {
    return { directory: model.folder, kind: 'none', file: undefined };
  }
  throw new InvalidInput(
    `--pip-requirements-override has no use with --env-manager local: nothing is installed there`,
    { hint: 'use --env-manager virtualenv, uv or conda, or install the packages yourself' },
  );
}

/** How a Python process is started that loads the model and answers (`worker.py`, or another `program`). */
export function launchWorker(
  { folder }: LocalModel,
  environment: PreparedEnvironment,
  { env, cwd }: Context,
  program = WORKER,
): ProcessLaunch {
  const words = ['python', program, folder].map(quoteForShell);
  const launch = environment.launch({
    shell: `exec ${words.join(' ')}`,
    cwd,
    env: keepSet(env),
    paths: [],
  });
  if (launch.kind === 'process') return launch;
  throw new TypeError('a worker is a process of this machine');
}

function keepSet(env: Context['env']): Readonly<Record<string, string>> {
  const set = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(set);
}
