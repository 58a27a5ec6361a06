import { Chalk, type ChalkInstance } from 'chalk';
import type { MltsError } from '../core/errors.ts';
import { InvalidInputs } from '../core/errors.ts';
import { makePrintable } from '../core/printable.ts';
import { NO_LINE, type PinnedLine, pinLine } from './pinned-line.ts';

export type { PinnedLine } from './pinned-line.ts';

/**
 * The only way to speak: data to stdout, talk to stderr, everything redacted and freed of control
 * characters on its way out. The child of `mlts run` writes to the same two streams by itself; nothing
 * here touches its output.
 */
export interface Terminal {
  readonly isInteractive: boolean;
  /** Width of stdout; undefined where it is no terminal, or one without a size. */
  readonly columns: number | undefined;
  /** Styles for stderr; no-ops where colours are off (`NO_COLOR`, not a terminal). */
  readonly style: ChalkInstance;
  /** Data: one line to stdout. */
  print(text: string): void;
  /** Waits until stdout has taken all that was printed: much data must not pile up in memory. */
  flush(): Promise<void>;
  /** Talk: one line to stderr. */
  note(text: string): void;
  warn(text: string, hint?: string): void;
  /** Shows an error with its hint; with `debug` also the stack and the causes. */
  fail(error: MltsError, options?: { readonly debug?: boolean }): void;
  /** Long work: a spinner with `text` on a terminal, elsewhere a plain line now and then. `update` changes the text. */
  progress<T>(text: string, work: (update: (text: string) => void) => Promise<T>): Promise<T>;
  /** A line at the foot of the terminal, beside whatever a child process writes; elsewhere nothing is shown. */
  pinLine(): PinnedLine;
}

export interface TerminalOptions {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly color: boolean;
  /** Whether the cursor can be moved: not on a `dumb` one. Absent: it can. */
  readonly movesCursor?: boolean;
  readonly redact: (text: string) => string;
}

export function createTerminal({
  stdout,
  stderr,
  color,
  movesCursor = true,
  redact,
}: TerminalOptions): Terminal {
  const style = new Chalk({ level: color ? 1 : 0 });
  const isInteractive = Boolean(stderr.isTTY);
  const show = (text: string): string => redact(makePrintable(text, { keepStyles: color }));
  const note = (text: string): void => {
    stderr.write(`${show(text)}\n`);
  };
  const hintLine = (hint: string | undefined): void => {
    if (hint !== undefined) note(`${style.cyan('hint:')} ${hint}`);
  };
  return {
    isInteractive,
    columns: (stdout.isTTY && stdout.columns) || undefined,
    style,
    note,
    print(text) {
      // A program that reads it gets what there is.
      stdout.write(`${stdout.isTTY ? show(text) : redact(text)}\n`);
    },
    flush: () => new Promise((resolve) => stdout.write('', () => resolve())),
    warn(text, hint) {
      note(`${style.yellow('warning:')} ${text}`);
      hintLine(hint);
    },
    fail(error, { debug = false } = {}) {
      for (const problem of error instanceof InvalidInputs ? error.problems : [error]) {
        note(`${style.red('error:')} ${problem.message}`);
        hintLine(problem.hint);
      }
      if (debug) noteCauses(error, note);
    },
    pinLine() {
      if (!isInteractive || !movesCursor || !stderr.columns) return NO_LINE;
      const line = pinLine(stderr);
      return { ...line, show: (parts) => line.show(parts.map(show)) };
    },
    async progress(text, work) {
      // A terminal without a size (`script` in CI) would keep the spinner drawing for ever.
      if (!isInteractive || !stderr.columns) return tellNowAndThen(text, work, note);
      const { default: ora } = await import('ora');
      const spinner = ora({ text: show(text), stream: stderr, discardStdin: false }).start();
      try {
        const result = await work((changed) => {
          spinner.text = show(changed);
        });
        spinner.succeed();
        return result;
      } catch (error) {
        spinner.fail();
        throw error;
      }
    },
  };
}

/** Without a terminal: a CI server ends a job that says nothing for long. */
const QUIET_MS = 30_000;

async function tellNowAndThen<T>(
  text: string,
  work: (update: (text: string) => void) => Promise<T>,
  note: (text: string) => void,
): Promise<T> {
  let latest = text;
  note(text);
  const timer = setInterval(() => note(latest), QUIET_MS);
  try {
    return await work((changed) => {
      latest = changed;
    });
  } finally {
    clearInterval(timer);
  }
}

function noteCauses(error: Error, note: (text: string) => void): void {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    note(cause.stack ?? cause.message);
  }
}
