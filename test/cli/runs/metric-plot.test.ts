import { expect, test } from 'vitest';
import { plotMetric } from '../../../src/cli/runs/metric-plot.ts';

const toHistory = (values: readonly number[], stepWidth = 1) =>
  values.map((value, index) => ({ key: 'm', value, step: index * stepWidth, timestampMs: 0 }));

test('numbers beside it are whole, whatever they are', async () => {
  expect(await plotMetric(toHistory([1, 3, 2]), 40)).toMatchInlineSnapshot(`
    "   ▲
      3┤           ┏━━━━━━━━━━┓
       │           ┃          ┃
       │           ┃          ┃
    2.5┤           ┃          ┃
       │           ┃          ┃
       │           ┃          ┃
       │           ┃          ┃
      2┤           ┃          ┗━
       │           ┃
       │           ┃
    1.5┤           ┃
       │           ┃
       │           ┃
       │           ┃
      1┤━━━━━━━━━━━┛
       └┬───────────┬──────────┬▶
        0           1          2"
  `);
});

test('one line is enough where nothing changes', async () => {
  expect(await plotMetric(toHistory([0.25, 0.25]), 40)).toMatchInlineSnapshot(`
    "    ▲
    0.25┤━━━━━━━━━━━━━━━━━━━━━━━━
        └┬──────────────────────┬▶
         0                      1"
  `);
});

test('more values than columns are thinned out, from the first step to the last', async () => {
  const values = Array.from({ length: 10_000 }, (_, index) => 10_000 - index);
  const drawn = (await plotMetric(toHistory(values, 3), 60)) ?? '';
  const lines = drawn.split('\n');
  expect(lines.at(-1)?.trim()).toMatch(/^0 .* 30000$/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
});

test('nothing but NaN and infinities cannot be drawn', async () => {
  expect(await plotMetric(toHistory([Number.NaN, Infinity]), 40)).toBeUndefined();
});
