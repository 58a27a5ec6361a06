import { sql } from 'kysely';
import type { SchemaChange } from './migration.ts';
import {
  boundText,
  readAggregate,
  readCost,
  readJsonObject,
  readTokenCount,
} from './trace-values.ts';

export const TRACE_NAME_TAG = 'mlflow.traceName';
export const MODEL_ATTRIBUTE = 'mlflow.llm.model';
export const PROVIDER_ATTRIBUTE = 'mlflow.llm.provider';
const [SESSION, TOKENS, COST] = [
  'mlflow.trace.session',
  'mlflow.trace.tokenUsage',
  'mlflow.trace.cost',
] as const;
export const MOVED_METADATA = [SESSION, TOKENS, COST];
/** Columns of traces, and keys of what was kept elsewhere. */
export const TOKEN_COLUMNS = [
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'cache_creation_input_tokens_above_1hr',
] as const;
export const COST_COLUMNS = ['input_cost', 'output_cost', 'total_cost'] as const;

const NAME_LENGTH = 4_096;
const SESSION_LENGTH = 250;
const MODEL_LENGTH = 500;
const ROWS_PER_PAGE = 1_000;

type Texts = Readonly<Record<string, unknown>>;

const TRACE_COLUMNS = ['trace_name', 'session_id', ...TOKEN_COLUMNS, ...COST_COLUMNS];
const SPAN_COLUMNS = [...COST_COLUMNS, 'model_name', 'model_provider'];

/** Fills the new columns of every trace that has something to fill them with. */
export async function fillTraces(change: SchemaChange): Promise<void> {
  await clearColumns(change, 'trace_info', TRACE_COLUMNS);
  let count = 0;
  for await (const ids of readTraceIdPages(change)) {
    const tags = await readValues(change, 'trace_tags', ids, [TRACE_NAME_TAG]);
    const metadata = await readValues(change, 'trace_request_metadata', ids, MOVED_METADATA);
    const metrics = await readValues(change, 'trace_metrics', ids, TOKEN_COLUMNS);
    for (const id of ids) {
      const values = {
        trace_name: boundText(tags.get(id)?.[TRACE_NAME_TAG], NAME_LENGTH),
        ...readTraceValues(metadata.get(id) ?? {}, metrics.get(id) ?? {}),
      };
      if (holdsNothing(values)) continue;
      await change.transaction
        .updateTable('trace_info')
        .set(values)
        .where('request_id', '=', id)
        .execute();
    }
    count += ids.length;
    await change.breathe(`${count} traces`);
  }
}

/** `mlflow db prepopulate-trace-analytics` may have filled them, with what is no longer true. */
async function clearColumns(
  { transaction }: SchemaChange,
  table: string,
  columns: readonly string[],
): Promise<void> {
  await transaction
    .updateTable(table)
    .set(Object.fromEntries(columns.map((column) => [column, null])))
    .where((filter) => filter.or(columns.map((column) => filter(column, 'is not', null))))
    .execute();
}

function holdsNothing(values: Readonly<Record<string, unknown>>): boolean {
  return Object.values(values).every((value) => value === null);
}

/** What was counted as a metric wins over what stands in the metadata. */
function readTraceValues(metadata: Texts, metrics: Texts): Readonly<Record<string, unknown>> {
  const tokens = readJsonObject(metadata[TOKENS]);
  const costs = readJsonObject(metadata[COST]);
  return {
    session_id: boundText(metadata[SESSION], SESSION_LENGTH),
    ...Object.fromEntries(
      TOKEN_COLUMNS.map((key) => [
        key,
        readTokenCount(key in metrics ? metrics[key] : tokens[key]),
      ]),
    ),
    ...Object.fromEntries(COST_COLUMNS.map((key) => [key, readCost(costs[key])])),
  };
}

async function* readTraceIdPages({ transaction }: SchemaChange): AsyncGenerator<string[]> {
  for (let last = ''; ; ) {
    const rows = await transaction
      .selectFrom('trace_info')
      .select('request_id')
      .where('request_id', '>', last)
      .orderBy('request_id')
      .limit(ROWS_PER_PAGE)
      .execute();
    if (rows.length === 0) return;
    yield rows.map(({ request_id }) => request_id);
    last = rows.at(-1)?.request_id;
  }
}

/** Values of these keys, by trace. */
async function readValues(
  { transaction }: SchemaChange,
  table: string,
  traceIds: readonly string[],
  keys: readonly string[],
): Promise<Map<string, Record<string, unknown>>> {
  const rows = await transaction
    .selectFrom(table)
    .select(['request_id', 'key', 'value'])
    .where('request_id', 'in', traceIds)
    .where('key', 'in', keys)
    .execute();
  const found = new Map<string, Record<string, unknown>>();
  for (const { request_id, key, value } of rows) {
    found.set(request_id, { ...found.get(request_id), [key]: value });
  }
  return found;
}

export interface SpanRow {
  readonly trace_id: string;
  readonly span_id: string;
  /** JSON, as text or read by the driver. */
  readonly dimension_attributes: unknown;
}

export async function* readSpanPages({ transaction }: SchemaChange): AsyncGenerator<SpanRow[]> {
  for (let [trace, span] = ['', '']; ; ) {
    const { rows } = await sql<SpanRow>`
      select trace_id, span_id, dimension_attributes from spans
      where (trace_id, span_id) > (${trace}, ${span})
      order by trace_id, span_id limit ${sql.lit(ROWS_PER_PAGE)}
    `.execute(transaction);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    [trace, span] = [last.trace_id, last.span_id];
  }
}

/** Fills the new columns of every span that has something to fill them with. */
export async function fillSpans(change: SchemaChange): Promise<void> {
  await clearColumns(change, 'spans', SPAN_COLUMNS);
  let count = 0;
  for await (const page of readSpanPages(change)) {
    const costs = await readSpanCosts(change, page);
    for (const span of page) {
      const { trace_id, span_id, dimension_attributes: attributes } = span;
      const dimensions =
        typeof attributes === 'object' ? (attributes ?? {}) : readJsonObject(attributes);
      const values = {
        ...Object.fromEntries(
          COST_COLUMNS.map((key) => [key, readCost(costs.get(keyOf(span))?.[key])]),
        ),
        model_name: boundText((dimensions as Texts)[MODEL_ATTRIBUTE], MODEL_LENGTH),
        model_provider: boundText((dimensions as Texts)[PROVIDER_ATTRIBUTE], MODEL_LENGTH),
      };
      if (holdsNothing(values)) continue;
      await change.transaction
        .updateTable('spans')
        .set(values)
        .where('trace_id', '=', trace_id)
        .where('span_id', '=', span_id)
        .execute();
    }
    count += page.length;
    await change.breathe(`${count} spans`);
  }
}

function keyOf({ trace_id, span_id }: Pick<SpanRow, 'trace_id' | 'span_id'>): string {
  return `${trace_id}/${span_id}`;
}

async function readSpanCosts(
  { transaction }: SchemaChange,
  page: readonly SpanRow[],
): Promise<Map<string, Record<string, unknown>>> {
  const rows = await transaction
    .selectFrom('span_metrics')
    .select(['trace_id', 'span_id', 'key', 'value'])
    .where('trace_id', '>=', page[0]?.trace_id)
    .where('trace_id', '<=', page.at(-1)?.trace_id)
    .where('key', 'in', COST_COLUMNS)
    .execute();
  const found = new Map<string, Record<string, unknown>>();
  for (const { key, value, ...span } of rows) {
    const id = keyOf(span as SpanRow);
    found.set(id, { ...found.get(id), [key]: value });
  }
  return found;
}

/** The gateway counted the costs of its traces by their spans only. */
export async function fillTraceCosts({ transaction }: SchemaChange): Promise<void> {
  await sql`
    update trace_info
    set total_cost = (select sum(spans.total_cost) from spans where spans.trace_id = trace_info.request_id)
    where total_cost is null and exists (
      select 1 from trace_request_metadata as metadata
      where metadata.request_id = trace_info.request_id and metadata.key = 'mlflow.gateway.endpointId'
    )`.execute(transaction);
}

/** Fills the new columns of every assessment. */
export async function fillAssessments(change: SchemaChange): Promise<void> {
  const { transaction } = change;
  await sql`
    update assessments set
      experiment_id = (select experiment_id from trace_info where request_id = trace_id),
      trace_timestamp_ms = (select timestamp_ms from trace_info where request_id = trace_id),
      aggregate_value = null, is_numeric_value = ${change.toFlag(false)}
    `.execute(transaction);
  for (let last = '', count = 0; ; ) {
    const rows = await transaction
      .selectFrom('assessments')
      .select(['assessment_id', 'value'])
      .where('assessment_id', '>', last)
      .orderBy('assessment_id')
      .limit(ROWS_PER_PAGE)
      .execute();
    if (rows.length === 0) return;
    for (const { assessment_id, value: text } of rows) {
      const { value, isNumeric } = readAggregate(text);
      if (value === null) continue;
      await sql`
        update assessments set aggregate_value = ${value}, is_numeric_value = ${change.toFlag(isNumeric)}
        where assessment_id = ${assessment_id}`.execute(transaction);
    }
    last = rows.at(-1)?.assessment_id;
    count += rows.length;
    await change.breathe(`${count} assessments`);
  }
}
