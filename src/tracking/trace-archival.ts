import type { Tag } from '../core/entities.ts';
import { InvalidInput } from '../core/errors.ts';

/** Tags by which an experiment tells MLflow's server when to archive its traces (`mlflow/tracing/constant.py`). */
export const RETENTION_TAG = 'mlflow.trace.archivalRetention';
export const ARCHIVE_NOW_TAG = 'mlflow.trace.archiveNow';

const DURATION = /^[1-9][0-9]*[mhd]$/;
const LONGEST = 32;

/** `30d`, blanks around it left out; undefined for what is no duration (`mlflow/utils/validation.py`). */
export function readDuration(text: string): string | undefined {
  const trimmed = text.trim();
  return DURATION.test(trimmed) && trimmed.length <= LONGEST ? trimmed : undefined;
}

/** What MLflow stores of a duration that `readDuration` gave. */
export function createRetentionTag(duration: string): Tag {
  return { key: RETENTION_TAG, value: `{"type": "duration", "value": "${duration}"}` };
}

/** `olderThan` as `readDuration` gives it; absent: all traces. */
export function createArchiveNowTag(olderThan?: string): Tag {
  const value = olderThan === undefined ? '{}' : `{"older_than": "${olderThan}"}`;
  return { key: ARCHIVE_NOW_TAG, value };
}

/** @throws InvalidInput for one of these tags with what the server could not read. */
export function checkArchivalTag({ key, value }: Tag): void {
  if (key !== RETENTION_TAG && key !== ARCHIVE_NOW_TAG) return;
  if (isArchivalValue(key, value)) return;
  throw new InvalidInput(`tag \`${key}\` cannot be \`${value}\``, {
    hint: 'use: mlts experiments update --trace-archival-retention 30d, or --trace-archive-now',
  });
}

function isArchivalValue(key: string, text: string): boolean {
  const value = parseObject(text);
  if (value === undefined) return false;
  const isRetention = key === RETENTION_TAG;
  if (isRetention && value.type !== 'duration') return false;
  const duration = isRetention ? value.value : value.older_than;
  if (duration === undefined || duration === null) return !isRetention;
  return typeof duration === 'string' && readDuration(duration) !== undefined;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
