import { quoteForShell } from '../core/shell-word.ts';
import type { RunOptions } from './run-options.ts';

/** What the user typed that names the project and its environment. */
export type Invocation = Pick<RunOptions, 'uri' | 'version' | 'environmentManager'>;

/** The command line for another run of the same project, to be shown: `mlts run . -e evaluate`. */
export function renderInvocation(
  { uri, version, environmentManager }: Invocation,
  entryPoint: string,
  words: readonly string[],
): string {
  return [
    'mlts run',
    quoteForShell(uri.startsWith('-') ? `./${uri}` : uri),
    ...(version === undefined ? [] : ['-v', quoteForShell(version)]),
    ...(entryPoint === 'main' ? [] : ['-e', quoteForShell(entryPoint)]),
    ...(environmentManager === undefined ? [] : ['--env-manager', environmentManager]),
    ...words,
  ].join(' ');
}
