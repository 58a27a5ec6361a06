import { describe, expect, test } from 'vitest';
import type { InvalidInput } from '../../../src/core/errors.ts';
import { parseFilter } from '../../../src/search/filter.ts';
import { parseOrderBy } from '../../../src/search/order-by.ts';
import { experimentLanguage } from '../../../src/tracking/search/experiment-language.ts';
import { runLanguage } from '../../../src/tracking/search/run-language.ts';

/** What is shown for a text that is wrong: the message, which marks the character, and the hint. */
function explain(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    const { message, hint } = error as InvalidInput;
    return hint === undefined ? message : `${message}\nhint: ${hint}`;
  }
  return 'no error';
}

describe('what is shown for a filter that is wrong', () => {
  test('a misspelt attribute', () => {
    expect(
      explain(() => parseFilter("params.a = 'x' AND statu = 'y'", runLanguage)),
    ).toMatchInlineSnapshot(`
      "filter: there is no attribute \`statu\`
        params.a = 'x' AND statu = 'y'
                           ^
      hint: did you mean \`status\`?"
    `);
  });

  test('a misspelt kind', () => {
    expect(explain(() => parseFilter('metrc.a > 1', runLanguage))).toMatchInlineSnapshot(`
      "filter: \`metrc\` is no kind of field
        metrc.a > 1
        ^
      hint: did you mean \`metric\`?"
    `);
  });

  test('a name that needs quotes', () => {
    expect(explain(() => parseFilter('metrics.val-loss > 1', runLanguage))).toMatchInlineSnapshot(`
      "filter: a comparator is missing after \`metrics.val\`
        metrics.val-loss > 1
                   ^
      hint: write = != < <= > >= LIKE, ILIKE, IN, NOT IN, IS NULL or IS NOT NULL; put a name with other signs than letters, digits, _ and . into backticks"
    `);
  });

  test('a value without quotes', () => {
    expect(explain(() => parseFilter('params.a = b', runLanguage))).toMatchInlineSnapshot(`
      "filter: a text in quotes is missing: \`b\`
        params.a = b
                   ^
      hint: write \`'b'\`"
    `);
  });

  test('a value that is missing', () => {
    expect(explain(() => parseFilter('metrics.a >', runLanguage))).toMatchInlineSnapshot(`
      "filter: a number is missing
        metrics.a >
                   ^
      hint: write one without quotes: 0.5"
    `);
  });

  test('a comparator that does not fit', () => {
    expect(explain(() => parseFilter("metrics.a LIKE 'x'", runLanguage))).toMatchInlineSnapshot(`
      "filter: \`metrics.a\` cannot be compared by LIKE
        metrics.a LIKE 'x'
                  ^
      hint: it takes = != < <= > >="
    `);
  });

  test('parentheses', () => {
    expect(explain(() => parseFilter('(metrics.a > 1)', runLanguage))).toMatchInlineSnapshot(`
      "filter: \`(\` is not the beginning of a comparison
        (metrics.a > 1)
        ^
      hint: a filter is a list of comparisons joined by AND: metrics.loss < 0.1 AND tags.team = 'a'"
    `);
  });

  test('an experiment by no number', () => {
    expect(
      explain(() => parseFilter("experiment_id IN ('1', 'two')", experimentLanguage)),
    ).toMatchInlineSnapshot(`
      "filter: \`two\` is no experiment id
        experiment_id IN ('1', 'two')
                               ^
      hint: an experiment id is a number in quotes"
    `);
  });

  test('an order that comes twice', () => {
    expect(
      explain(() => parseOrderBy(['metrics.a', 'metric.`a` DESC'], runLanguage)),
    ).toMatchInlineSnapshot(`
      "order_by: this key comes twice
        metric.\`a\` DESC
        ^
      hint: give it once"
    `);
  });
});

test('a filter of ten thousand comparisons, and one of ten thousand quotes', () => {
  const clause = "params.`a` = 'x'";
  expect(parseFilter(Array(10_000).fill(clause).join(' AND '), runLanguage)).toHaveLength(10_000);
  const quotes = `params.a = ${"'".repeat(10_001)}`;
  expect(explain(() => parseFilter(quotes, runLanguage))).toContain('^');
});
