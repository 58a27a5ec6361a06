import { fileURLToPath } from 'node:url';
import type { ProcessLaunch } from '../core/launch.ts';
import { quoteForShell } from '../core/shell-word.ts';
import type { EnvironmentManager, PreparedEnvironment } from '../environments/environment.ts';
import { openEnvironment } from '../environments/open.ts';
import type { Context } from '../host/context.ts';
import { findModelEnvironment, requirePythonFunction } from '../models/environment-source.ts';
import type { LocalModel } from '../models/local-model.ts';

/** Lies beside this file, and beside the bundled program. */
const WORKER = fileURLToPath(new URL('./worker.py', import.meta.url));

/**
 * Makes the environment in which a model is loaded, where it is not there yet.
 *
 * @throws InvalidInput for a model that Python cannot load, and what making an environment throws.
 */
export async function prepareModelEnvironment(
  { folder, file }: LocalModel,
  manager: EnvironmentManager,
  context: Context,
): Promise<PreparedEnvironment> {
  const flavor = requirePythonFunction(file, folder);
  const found = findModelEnvironment(flavor, folder, manager === 'conda');
  const source = { directory: folder, kind: found?.kind ?? 'none', file: found?.file } as const;
  const environment = openEnvironment(manager, source, context);
  await environment.check();
  return environment.prepare(context.interrupts.signal);
}

/** How a Python process is started that loads the model and answers (`worker.py`). */
export function launchWorker(
  { folder }: LocalModel,
  environment: PreparedEnvironment,
  { env, cwd }: Context,
): ProcessLaunch {
  const words = ['python', WORKER, folder].map(quoteForShell);
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
