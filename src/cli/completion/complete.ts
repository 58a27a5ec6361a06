import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ProcessContext } from '../../host/process-context.ts';
import { renderCandidates } from './candidate.ts';
import { findCandidates } from './candidates.ts';

/** A key press is not worth more: what has not answered by then completes nothing. */
const DEADLINE_MS = 1_000;

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
    const deadline = sleep(DEADLINE_MS, undefined, { ref: false });
    const candidates = await Promise.race([findCandidates(program, words, context), deadline]);
    const text = candidates === undefined ? '' : renderCandidates(candidates);
    if (text !== '') context.terminal.print(text);
  } catch (error) {
    if (context.debug) throw error;
  }
}
