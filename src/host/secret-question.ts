import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Context } from './context.ts';

/**
 * Reads a secret: typed after `question` without being shown, or, where stdin is no terminal, its first line.
 * Empty where there was nothing to read.
 */
export async function askSecret(
  question: string,
  { terminal, interrupts: { signal } }: Context,
): Promise<string> {
  const { stdin } = process;
  if (stdin.isTTY) terminal.note(question);
  const silent = new Writable({ write: (_piece, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silent, signal, terminal: stdin.isTTY });
  // The keys come as they are typed: Ctrl-C is ours to pass on.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    for await (const line of lines) return line;
    signal.throwIfAborted();
    return '';
  } finally {
    lines.close();
    stdin.destroy();
  }
}
