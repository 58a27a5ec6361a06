import type { Clause } from './clause.ts';

type Comparable = string | number;

/**
 * Whether a value that is there satisfies a clause: what MLflow does for stores without SQL
 * (`mlflow/utils/search_utils.py`, `get_comparison_func`).
 */
export function satisfies(actual: Comparable, { comparator, value }: Clause): boolean {
  switch (comparator) {
    case '=':
      return actual === value;
    case '!=':
      return actual !== value;
    case '<':
      return Number(actual) < Number(value);
    case '<=':
      return Number(actual) <= Number(value);
    case '>':
      return Number(actual) > Number(value);
    case '>=':
      return Number(actual) >= Number(value);
    case 'LIKE':
      return toPattern(String(value), 'u').test(String(actual));
    case 'ILIKE':
      return toPattern(String(value), 'iu').test(String(actual));
    case 'IN':
      return [value].flat().includes(actual);
    case 'NOT IN':
      return ![value].flat().includes(actual);
    case 'IS NULL':
      return false;
    case 'IS NOT NULL':
      return true;
  }
}

/** `%` stands for any characters, `_` for one, all else for itself; the whole text must match. */
function toPattern(like: string, flags: string): RegExp {
  const pattern = like
    .replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${pattern}$`, `${flags}s`);
}

/** By code points, as Python and SQLite order texts; JavaScript's `<` orders by UTF-16 units. */
export function compareTexts(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function compareValues(a: Comparable, b: Comparable): number {
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  return Number(a) < Number(b) ? -1 : Number(a) > Number(b) ? 1 : 0;
}
