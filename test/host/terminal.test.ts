import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test, vi } from 'vitest';
import { InvalidInput } from '../../src/core/errors.ts';
import { createTerminal, type Terminal } from '../../src/host/terminal.ts';

/** What is written to both streams while `work` speaks. */
async function listen(
  color: boolean,
  work: (terminal: Terminal) => unknown,
  isTTY = true,
): Promise<string> {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 0 });
  const output = stream as unknown as NodeJS.WriteStream;
  const redact = (said: string): string => said.replaceAll('secret', '****');
  await work(createTerminal({ stdout: output, stderr: output, color, redact }));
  stream.end();
  return text(stream);
}

test.each([
  ['print', (terminal: Terminal) => terminal.print('\x1b]0;x\x07')],
  ['note', (terminal: Terminal) => terminal.note('\x1b]0;x\x07')],
  ['progress', (terminal: Terminal) => terminal.progress('\x1b]0;x\x07', async () => {})],
])('%s shows what would steer the terminal', async (_name, speak) => {
  expect(await listen(true, speak)).toBe('\\u001b]0;x\\u0007\n');
});

test('an error keeps our colours and no control characters of others', async () => {
  const error = new InvalidInput('a \x1b[2J secret', { hint: 'b\rc' });
  const colored = await listen(true, (terminal) => terminal.fail(error));
  expect(colored).toBe('\x1b[31merror:\x1b[39m a \\u001b[2J ****\n\x1b[36mhint:\x1b[39m b\nc\n');
  const plain = await listen(false, (terminal) => terminal.fail(error));
  expect(plain).toBe('error: a \\u001b[2J ****\nhint: b\nc\n');
});

test('data for a pipe or a file stays as it is', async () => {
  const speak = (terminal: Terminal) => terminal.print('a\r\n\x07');
  expect(await listen(false, speak, false)).toBe('a\r\n\x07\n');
});

test('long work without a terminal says every half minute what it is at', async () => {
  vi.useFakeTimers();
  try {
    const work = async (update: (text: string) => void): Promise<void> => {
      update('Installing pandas');
      vi.advanceTimersByTime(20_000);
      update('Installing scipy');
      vi.advanceTimersByTime(45_000);
    };
    const said = await listen(false, (terminal) => terminal.progress('Making it', work), false);
    expect(said).toBe('Making it\nInstalling scipy\nInstalling scipy\n');
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
