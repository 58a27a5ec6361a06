import { join } from 'node:path';
import { isFile, readValue } from './folder.ts';

const SESSION = 'mlflow.trace.session';
const TOKENS = 'mlflow.trace.tokenUsage';
const COST = 'mlflow.trace.cost';
/** What the folder keeps as metadata of a trace and the database in columns (`trace_analytics.py`). */
export const METADATA_IN_COLUMNS: ReadonlySet<string> = new Set([SESSION, TOKENS, COST]);

/** In characters. */
const LONGEST_SESSION = 250;
const TOKEN_COLUMNS = [
  ...['input_tokens', 'output_tokens', 'total_tokens', 'cache_read_input_tokens'],
  ...['cache_creation_input_tokens', 'cache_creation_input_tokens_above_1hr'],
];
const COST_COLUMNS = ['input_cost', 'output_cost', 'total_cost'];

/** The columns of a trace's session, tokens and cost; null where the folder says nothing usable. */
export function readTraceColumns(folder: string): Readonly<Record<string, string | number | null>> {
  const session = readMetadata(folder, SESSION);
  const tokens = parseObject(readMetadata(folder, TOKENS));
  const cost = parseObject(readMetadata(folder, COST));
  return {
    session_id: session === undefined ? null : [...session].slice(0, LONGEST_SESSION).join(''),
    ...Object.fromEntries(TOKEN_COLUMNS.map((name) => [name, toCount(tokens[name])])),
    ...Object.fromEntries(COST_COLUMNS.map((name) => [name, toFinite(cost[name])])),
  };
}

function readMetadata(folder: string, key: string): string | undefined {
  const path = join(folder, key);
  return isFile(path) ? readValue(path) : undefined;
}

function parseObject(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : {};
  } catch {
    return {};
  }
}

function toCount(value: unknown): number | null {
  const number = toFinite(value);
  return Number.isSafeInteger(number) ? number : null;
}

/** Numbers, and text that is one. */
function toFinite(value: unknown): number | null {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && value.trim() !== '');
  const number = isNumber ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : null;
}
