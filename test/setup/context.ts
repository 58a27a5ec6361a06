import { Writable } from 'node:stream';
import { createRedactor } from '../../src/core/redact.ts';
import type { Context } from '../../src/host/context.ts';
import { Interrupted } from '../../src/host/interrupts.ts';
import { createTerminal } from '../../src/host/terminal.ts';

export interface TestContext extends Context {
  /** What was said so far, on either stream. */
  readonly said: { stdout: string; stderr: string };
  interrupt(signalName?: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void;
}

/** A context over the real machine whose talk is collected. */
export function createTestContext(
  options: { readonly cwd?: string; readonly env?: Record<string, string | undefined> } = {},
): TestContext {
  const env = options.env ?? process.env;
  const said = { stdout: '', stderr: '' };
  const first = new AbortController();
  const collect = (stream: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _encoding, done) {
        said[stream] += String(chunk);
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  return {
    env,
    cwd: options.cwd ?? process.cwd(),
    said,
    interrupts: { signal: first.signal, force: new AbortController().signal },
    interrupt: (signalName = 'SIGINT') => first.abort(new Interrupted(signalName)),
    now: () => Date.now(),
    terminal: createTerminal({
      stdout: collect('stdout'),
      stderr: collect('stderr'),
      color: false,
      redact: createRedactor(env),
    }),
  };
}
