import { describe, expect, test } from 'vitest';
import { makePrintable } from '../../src/core/printable.ts';

describe('makePrintable', () => {
  test.each([
    ['plain\ttext\nönly 🦊', 'plain\ttext\nönly 🦊'],
    ['\x1b]0;title\x07', '\\u001b]0;title\\u0007'],
    ['\x1b[2Jgone', '\\u001b[2Jgone'],
    ['\x9b2J', '\\u009b2J'],
    ['10%\r20%\r\ndone\r\r\n', '10%\n20%\ndone\n'],
    ['a\u202eb', 'a\\u202eb'],
    ['\x1b[31mred\x1b[39m', 'red'],
    ['\x1b[8mhidden', '\\u001b[8mhidden'],
  ])('%j', (text, shown) => {
    expect(makePrintable(text, { keepStyles: false })).toBe(shown);
  });

  test('keeps styles where they are wanted, and nothing else', () => {
    const text = '\x1b[31mred\x1b[39m\x1b[2J\x1b[8m\x1b[1mbold\x1b[22m';
    expect(makePrintable(text, { keepStyles: true })).toBe(
      '\x1b[31mred\x1b[39m\\u001b[2J\\u001b[8m\x1b[1mbold\x1b[22m',
    );
  });
});
