import { basename } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { type Meta, readYaml, toColumn, toText } from './folder.ts';
import type { Load } from './load.ts';
import { parseTimeMs } from './trace.ts';
import { dumpYamlAsJson } from './yaml-json.ts';

interface Trace {
  readonly id: string;
  readonly experimentId: bigint;
  readonly timeMs: number | bigint;
}

/** What somebody thought of a trace: feedback or an expectation. @throws InvalidInput, MltsError. */
export function insertAssessment(load: Load, path: string, trace: Trace): void {
  const meta = readYaml(path);
  const { type, value, error } = readVerdict(meta);
  const source = (meta.source ?? {}) as Meta;
  const created = readTimeMs(meta, 'create_time') ?? 0;
  load.insert('assessments', {
    assessment_id: toText(meta, 'assessment_id') || basename(path, '.yaml'),
    trace_id: trace.id,
    experiment_id: trace.experimentId,
    trace_timestamp_ms: trace.timeMs,
    name: toText(meta, 'assessment_name') || toText(meta, 'name'),
    assessment_type: type,
    value,
    error,
    created_timestamp: created,
    last_updated_timestamp: readTimeMs(meta, 'last_update_time') ?? created,
    source_type: toText(source, 'source_type', 'CODE'),
    source_id: toColumn(source, 'source_id'),
    run_id: toColumn(meta, 'run_id'),
    span_id: toColumn(meta, 'span_id'),
    rationale: toColumn(meta, 'rationale'),
    overrides: toColumn(meta, 'overrides'),
    valid: toColumn({ valid: true, ...meta }, 'valid') ?? 1,
    assessment_metadata: dumpUnlessEmpty(meta.metadata),
    ...toAggregate(JSON.parse(value)),
  });
}

interface Verdict {
  readonly type: 'feedback' | 'expectation';
  /** JSON as Python writes it. */
  readonly value: string;
  readonly error: string | null;
}

/** A value that is no plain one is kept as JSON already; MLflow's own migration loses that. */
function readVerdict(meta: Meta): Verdict {
  const feedback = meta.feedback as Meta | undefined;
  const expectation = meta.expectation as Meta | undefined;
  const verdict = feedback ?? expectation;
  if (verdict === undefined) throw new InvalidInput('it is neither feedback nor an expectation');
  const serialized = (verdict.serialized_value as Meta | undefined)?.value;
  return {
    type: feedback === undefined ? 'expectation' : 'feedback',
    value: typeof serialized === 'string' ? serialized : dumpYamlAsJson(verdict.value),
    error: dumpUnlessEmpty(feedback?.error),
  };
}

function dumpUnlessEmpty(value: unknown): string | null {
  const isEmpty = value === undefined || value === null || Object.keys(value).length === 0;
  return isEmpty ? null : dumpYamlAsJson(value);
}

/** In milliseconds, or in words, which MLflow's own migration takes for 1970. */
function readTimeMs(meta: Meta, key: string): number | bigint | undefined {
  const ms = toColumn(meta, `${key}_ms`);
  if (typeof ms === 'bigint' || typeof ms === 'number') return ms;
  return parseTimeMs(meta[key]) || undefined;
}

/** As a number that averages can be made of: yes is 1 (`trace_analytics.py`, `assessment_aggregate`). */
function toAggregate(value: unknown) {
  if (typeof value === 'number') return { aggregate_value: value, is_numeric_value: 1 };
  const answer = typeof value === 'string' ? value.trim().toLowerCase() : value;
  const isYes = answer === true || answer === 'yes';
  const isNo = answer === false || answer === 'no';
  return { aggregate_value: isYes ? 1 : isNo ? 0 : null, is_numeric_value: 0 };
}
