import type { Command } from 'commander';
import type { ProcessContext } from '../../host/process-context.ts';
import { renderCandidates } from './candidate.ts';
import { findCandidates } from './candidates.ts';

/**
 * `mlts __complete WORDS...`: what the scripts of `mlts completion` ask; the last word is the one at the
 * cursor. Silent whatever goes wrong (MLTS_DEBUG shows it), since it would be written into the line that
 * is being typed; changes nothing.
 */
export async function completeWords(
  words: readonly string[],
  program: Command,
  context: ProcessContext,
): Promise<void> {
  try {
    const text = renderCandidates(await findCandidates(program, words, context));
    if (text !== '') context.terminal.print(text);
  } catch (error) {
    if (context.debug) throw error;
  }
}
