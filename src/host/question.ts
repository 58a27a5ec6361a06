import { createInterface } from 'node:readline';
import type { Context } from './context.ts';

/** Asks on stderr and reads one line of stdin, as click's `confirm` does: yes is `y` or `yes`; no answer is no. */
export async function confirm(
  question: string,
  { terminal, interrupts }: Context,
): Promise<boolean> {
  const { signal } = interrupts;
  terminal.note(`${question} [y/N]`);
  const lines = createInterface({ input: process.stdin, signal });
  try {
    for await (const answer of lines) return /^\s*y(es)?\s*$/i.test(answer);
    signal.throwIfAborted();
    return false;
  } finally {
    lines.close();
    process.stdin.destroy();
  }
}
