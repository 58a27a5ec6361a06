import { resolve } from 'node:path';
import { describeUnreadLine, readDotenv } from '../core/dotenv.ts';
import { MltsError, UsageError } from '../core/errors.ts';
import type { ProcessContext } from '../host/process-context.ts';
import { readTextFile } from '../host/text-file.ts';

const MAX_BYTES = 10_000_000;

/**
 * `mlts --env-file FILE VERB`: variables for all that follows, below those that are set.
 *
 * @throws UsageError for a file that cannot be read.
 */
export async function loadEnvFile(path: string, context: ProcessContext): Promise<void> {
  const text = await readTextFile(resolve(context.cwd, path), MAX_BYTES).catch((error: unknown) => {
    if (!(error instanceof MltsError)) throw error;
    throw new UsageError(`--env-file: ${error.message}`, { cause: error });
  });
  const { variables, unreadLines } = readDotenv(text, context.env, { overrides: false });
  context.addVariables(variables);
  for (const line of unreadLines) context.terminal.warn(describeUnreadLine(path, line));
  context.terminal.note(`read variables from ${path}`);
}
