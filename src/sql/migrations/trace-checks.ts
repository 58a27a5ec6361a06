import { sql } from 'kysely';
import { MltsError } from '../../core/errors.ts';
import type { SchemaChange } from './migration.ts';
import { MODEL_ATTRIBUTE, PROVIDER_ATTRIBUTE, readSpanPages } from './trace-backfill.ts';
import { parsePythonJson } from './trace-values.ts';

/** @throws MltsError where spans or assessments are left of a trace that is not there. */
export async function checkTracesExist({ transaction }: SchemaChange): Promise<void> {
  for (const table of ['spans', 'assessments']) {
    const { rows } = await sql<{ trace_id: string }>`
      select trace_id from ${sql.table(table)}
      where not exists (select 1 from trace_info where request_id = trace_id) limit 1
    `.execute(transaction);
    const [stray] = rows;
    if (stray === undefined) continue;
    throw new MltsError('INVALID_STATE', `${table} belong to a missing trace, ${stray.trace_id}`, {
      hint: `back the database up, then: delete from ${table} where trace_id not in (select request_id from trace_info)`,
    });
  }
}

/** Only a model and its provider have a new place. @throws MltsError for anything else, which would be lost. */
export async function checkDimensions(change: SchemaChange): Promise<void> {
  for await (const page of readSpanPages(change)) {
    for (const { trace_id, span_id, dimension_attributes: attributes } of page) {
      if (attributes === null || areMovable(attributes)) continue;
      const shown = `${trace_id}/${span_id}`;
      throw new MltsError('INVALID_STATE', `span ${shown} has dimensions that have no column`, {
        hint: `keep what you need of it, then: update spans set dimension_attributes = null where span_id = '${span_id}'`,
      });
    }
  }
}

function areMovable(attributes: unknown): boolean {
  let value = attributes;
  if (typeof attributes === 'string') {
    try {
      value = parsePythonJson(attributes);
    } catch {
      return false;
    }
  }
  if (value === null) return true;
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([key, text]) =>
      [MODEL_ATTRIBUTE, PROVIDER_ATTRIBUTE].includes(key) &&
      (text === null || typeof text === 'string'),
  );
}
