import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { COMPLETING } from './cli/completing.ts';
import { version } from './cli/version.ts';
import type { MltsError } from './core/errors.ts';

/**
 * argv to exit code: the one catch and the one exit. `--version` is answered before anything else is
 * imported, because a shell prompt or a CI step may ask it often.
 */
async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && argv[0] === '--version') {
    process.stdout.write(`mlts, version ${version}\n`);
    return 0;
  }
  const { createContext } = await import('./host/process-context.ts');
  const context = createContext(process);
  await keepCompiledCode(join(context.cacheDirectory, 'compiled'), argv[0] !== COMPLETING);
  try {
    const { runProgram } = await import('./cli/program.ts');
    return await runProgram(argv, context);
  } catch (error) {
    const { toMltsError, exitCodeOf } = await import('./cli/failure.ts');
    const failure: MltsError | undefined = toMltsError(error, context);
    if (failure !== undefined) context.terminal.fail(failure, { debug: context.debug });
    return exitCodeOf(error, failure);
  }
}

/** In the user's own cache: in a shared /tmp somebody else could put it there. Where there is none, none is kept. */
async function keepCompiledCode(folder: string, mayMake: boolean): Promise<void> {
  const { isFolder, makePrivateFolder } = await import('./host/folders.ts');
  if (mayMake) await makePrivateFolder(folder).catch(() => {});
  if (await isFolder(folder)) enableCompileCache(folder);
}

const exitCode = await main(process.argv.slice(2));
// A pipe takes what fits; exiting would lose the rest.
await new Promise((resolve) => process.stdout.write('', resolve));
process.exit(exitCode);
