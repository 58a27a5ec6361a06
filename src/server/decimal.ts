const DECIMAL = /^\s*[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?\s*$/i;

/** What Python's float() reads of a text, but for NaN and the infinities; undefined for all else. */
export function parseDecimal(text: string): number | undefined {
  return DECIMAL.test(text) ? Number(text.replaceAll('_', '')) : undefined;
}
