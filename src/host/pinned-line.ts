import { stripVTControlCharacters } from 'node:util';

/** One line at the foot of the terminal, below all that scrolls. */
export interface PinnedLine {
  /** Shows as many of the parts as there is room for. */
  show(parts: readonly string[]): void;
  /** Gives the line back. */
  close(): void;
}

/** Where nobody watches. */
export const NO_LINE: PinnedLine = { show: () => {}, close: () => {} };

const SEPARATOR = '  ';
const FEWEST_ROWS = 5;

/** The cursor is where it was afterwards, whoever put it there. */
const SAVE = '\x1b7';
const RESTORE = '\x1b8';
const PLAIN = '\x1b[0m';
const CLEAR = '\x1b[2K';
const SCROLL_ALL = '\x1b[r';
/** One row down and up again in the same column: what is in the last row moves up. */
const MAKE_ROOM = '\x1bD\x1b[A';

/**
 * Keeps the last row of a terminal out of what scrolls, as apt does for its progress: whatever a child process
 * writes to the same terminal stays above. Nothing happens before there is something to show; each change is one
 * write, so that nothing of the child's comes in between.
 */
export function pinLine(terminal: NodeJS.WriteStream): PinnedLine {
  let heldRow = 0;
  let shown: readonly string[] = [];
  const hold = (): string => {
    heldRow = terminal.rows;
    return `${MAKE_ROOM}${SAVE}\x1b[1;${heldRow - 1}r${RESTORE}`;
  };
  const release = (): string => {
    const row = heldRow;
    heldRow = 0;
    return `${SAVE}${SCROLL_ALL}\x1b[${row};1H${CLEAR}${RESTORE}`;
  };
  const draw = (): void => {
    if (terminal.rows < FEWEST_ROWS) return;
    const isMoved = heldRow !== 0 && heldRow !== terminal.rows;
    const prepared = (isMoved ? release() : '') + (heldRow === 0 ? hold() : '');
    const text = takeFitting(shown, terminal.columns - 1);
    terminal.write(`${prepared}${SAVE}\x1b[${heldRow};1H${PLAIN}${CLEAR}${text}${PLAIN}${RESTORE}`);
  };
  const redraw = (): void => {
    if (heldRow !== 0) draw();
  };
  return {
    show(parts) {
      terminal.off('resize', redraw).on('resize', redraw);
      shown = parts;
      draw();
    },
    close() {
      terminal.off('resize', redraw);
      if (heldRow !== 0) terminal.write(release());
    },
  };
}

function takeFitting(parts: readonly string[], columns: number): string {
  let text = '';
  for (const part of parts) {
    const longer = text === '' ? part : text + SEPARATOR + part;
    if (stripVTControlCharacters(longer).length > columns) break;
    text = longer;
  }
  return text;
}
