import { basename, join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { insertAssessment } from './assessment.ts';
import { isFile, listFilesIn, type Meta, readValue, readYaml, toColumn, toText } from './folder.ts';
import type { Load } from './load.ts';
import { METADATA_IN_COLUMNS, readTraceColumns } from './trace-columns.ts';

export const TRACE_FILE = 'trace_info.yaml';
const NAME_TAG = 'mlflow.traceName';
/** In characters (`mlflow/tracing/constant.py`). */
const LONGEST_NAME = 4_096;

/** A trace of MLflow 2 or 3, without its spans, which lie among the artifacts. @throws InvalidInput, MltsError. */
export function insertTrace(load: Load, folder: string, experimentId: bigint): void {
  const meta = readYaml(join(folder, TRACE_FILE));
  const id = toText(meta, 'trace_id') || toText(meta, 'request_id') || basename(folder);
  const timeMs = readTimeMs(meta);
  const isNew = load.insert('traces', {
    request_id: id,
    experiment_id: experimentId,
    timestamp_ms: timeMs,
    execution_time_ms:
      toColumn(meta, 'execution_time_ms') || toColumn(meta, 'execution_duration_ms'),
    status: toText(meta, 'status') || toText(meta, 'state', 'OK'),
    client_request_id: toColumn(meta, 'client_request_id'),
    request_preview: toColumn(meta, 'request_preview'),
    response_preview: toColumn(meta, 'response_preview'),
    trace_name: readName(join(folder, 'tags', NAME_TAG)),
    ...readTraceColumns(join(folder, 'request_metadata')),
  });
  if (!isNew) throw new InvalidInput(`another folder holds trace ${id} too`);
  const toValue = (key: string, value: string) => ({ key, value, request_id: id });
  load.insertValues('trace_tags', join(folder, 'tags'), toValue, new Set([NAME_TAG]));
  const metadata = join(folder, 'request_metadata');
  load.insertValues('trace_metadata', metadata, toValue, METADATA_IN_COLUMNS);
  for (const name of listFilesIn(join(folder, 'assessments'))) {
    const path = join(folder, 'assessments', name);
    if (name.endsWith('.yaml')) {
      load.attempt(path, () => insertAssessment(load, path, { id, experimentId, timeMs }));
    }
  }
}

function readName(path: string): string | null {
  return isFile(path) ? cutText(readValue(path), LONGEST_NAME) : null;
}

export function cutText(text: string, longest: number): string {
  return text.length <= longest ? text : [...text].slice(0, longest).join('');
}

/** MLflow 2 keeps milliseconds, MLflow 3 a time in words; 0 where there is neither. */
function readTimeMs(meta: Meta): number | bigint {
  for (const key of ['timestamp_ms', 'request_time']) {
    const value = meta[key];
    if (typeof value === 'bigint' || typeof value === 'number') return value;
  }
  return parseTimeMs(meta.request_time);
}

/** The milliseconds of an ISO 8601 time; 0 where it is none. */
export function parseTimeMs(time: unknown): number {
  return Math.trunc(Date.parse(String(time ?? ''))) || 0;
}
