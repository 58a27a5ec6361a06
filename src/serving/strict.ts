import { InvalidInput } from '../core/errors.ts';
import type { ScalarType } from '../models/schema.ts';
import type { ColumnPlan, Table } from './columns.ts';

const LARGEST_INTEGER = 2 ** 31;

/**
 * Refuses what MLflow would cast in silence and lose by it (1.5 or 2147483648 into an `integer`), or take for another
 * type (`"9"`). Null is left to MLflow, which knows where it may stand.
 *
 * @throws InvalidInput that names the first such cell: its row, from 0, its column and the type.
 */
export function checkCells({ rows, cellAt }: Table, { names, types }: ColumnPlan): void {
  for (let row = 0; row < rows; row += 1) {
    for (const [column, type] of types.entries()) {
      const cell = cellAt(row, column);
      if (cell === null || fits(cell, type)) continue;
      throw new InvalidInput(
        `row ${row}, column \`${names[column]}\`: ${JSON.stringify(cell)} is no ${type}`,
      );
    }
  }
}

function fits(cell: unknown, type: ScalarType): boolean {
  switch (type) {
    case 'boolean':
      return typeof cell === 'boolean';
    case 'integer':
      return Number.isInteger(cell) && Math.abs(cell as number) < LARGEST_INTEGER;
    case 'long':
      return Number.isSafeInteger(cell);
    case 'float':
      return typeof cell === 'number' && Number.isFinite(Math.fround(cell));
    case 'double':
      return typeof cell === 'number';
    default:
      return typeof cell === 'string';
  }
}
