/** SQLite's primary result codes for what only a wrong statement or a wrong call of ours brings about. */
const SQLITE_OWN = new Set([
  1, // ERROR: the statement is wrong
  19, // CONSTRAINT
  20, // MISMATCH
  21, // MISUSE
  25, // RANGE
]);

/** A table or column that a database lacks: somebody has changed it. */
const LACKING = /no such (table|column)/;
const POSTGRES_LACKING = new Set(['42501', '42P01', '42703']);

/**
 * Whether an error is a mistake in mlts, and not the database's trouble: it is told as a bug, and not as something
 * that trying again may mend. What a transaction expects, such as a name in use, has been handled before.
 */
export function isOwnFault(error: unknown): boolean {
  const {
    errcode,
    code = '',
    message = '',
  } = error as {
    errcode?: number;
    code?: string;
    message?: string;
  };
  if (errcode !== undefined) return SQLITE_OWN.has(errcode & 0xff) && !LACKING.test(message);
  // Syntax and constraints (https://www.postgresql.org/docs/current/errcodes-appendix.html).
  if (/^(23|42)\w{3}$/.test(code)) return !POSTGRES_LACKING.has(code);
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind);
}
