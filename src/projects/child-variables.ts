import { describeUnreadLine, readDotenv } from '../core/dotenv.ts';
import { type Env, variables } from '../core/environment-variables.ts';
import { UsageError } from '../core/errors.ts';
import type { ResolvedExperiment } from './experiment.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Variables for the command, from `--env-file` (in order) and then `--env`; later ones win.
 *
 * @throws UsageError for `--env` words that are no `NAME=value` or name of a variable that is set.
 */
export async function readChildVariables(
  files: readonly string[],
  words: readonly string[],
  env: Env,
  readFile: (path: string) => Promise<string>,
  warn: (problem: string) => void,
): Promise<Record<string, string>> {
  const set: Record<string, string> = {};
  for (const path of files) {
    const read = readDotenv(await readFile(path), { ...env, ...set }, { overrides: true });
    for (const line of read.unreadLines) warn(describeUnreadLine(path, line));
    Object.assign(set, read.variables);
  }
  for (const word of words) {
    const [name, value] = splitVariable(word, env);
    set[name] = value;
  }
  return set;
}

function splitVariable(word: string, env: Env): [name: string, value: string] {
  const split = word.indexOf('=');
  const name = split === -1 ? word : word.slice(0, split);
  // The value may be a secret: it is not repeated.
  if (!NAME.test(name)) throw new UsageError(`--env: \`${name}\` is no name of a variable`);
  if (split !== -1) return [name, word.slice(split + 1)];
  const copied = env[name];
  if (copied === undefined) {
    throw new UsageError(`--env ${name}: there is no such variable to copy`, {
      hint: `set it, or give a value: \`--env ${name}=value\``,
    });
  }
  return [name, copied];
}

/** What tells MLflow in the child which run it belongs to (`mlflow/projects/utils.py`, `get_run_env_vars`), and lets it open a file store. */
export function createRunVariables(
  runId: string,
  experimentId: string,
  trackingUri: string,
): Record<string, string> {
  return {
    [variables.runId]: runId,
    [variables.trackingUri]: trackingUri,
    [variables.experimentId]: experimentId,
    ...(isFileStore(trackingUri) ? { [variables.allowFileStore]: 'true' } : {}),
  };
}

function isFileStore(trackingUri: string): boolean {
  return trackingUri.startsWith('file:') || !trackingUri.includes('://');
}

/**
 * The child's whole environment; what `additions` name without a value is not in it. A MLFLOW_EXPERIMENT_NAME that means another experiment than the run's
 * is left out: MLflow in the child refuses to start where name and id disagree.
 */
export function createChildEnvironment(
  env: Env,
  additions: readonly Readonly<Record<string, string | undefined>>[],
  experiment: ResolvedExperiment,
): Record<string, string> {
  const merged: Record<string, string | undefined> = Object.assign({}, env, ...additions);
  if (merged[variables.experimentName] !== experiment.name) delete merged[variables.experimentName];
  return Object.fromEntries(
    Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
