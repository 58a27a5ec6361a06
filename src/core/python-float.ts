const DECIMAL =
  /^\s*[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?\s*$/i;
const NO_NUMBER = /^\s*([+-]?)(?:(inf(?:inity)?)|nan)\s*$/i;

/** What Python's float() makes of a text that has digits; undefined for all else, NaN and the infinities too. */
export function parseDecimal(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  return Number(text.includes('_') ? text.replaceAll('_', '') : text);
}

/** As Python's float(); undefined for what that refuses. */
export function parsePythonFloat(text: string): number | undefined {
  const decimal = parseDecimal(text);
  if (decimal !== undefined) return decimal;
  const [, sign, isInfinite] = NO_NUMBER.exec(text) ?? [];
  if (sign === undefined) return undefined;
  if (isInfinite === undefined) return Number.NaN;
  return sign === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
