import type {
  Experiment,
  LifecycleStage,
  Metric,
  Run,
  RunInfo,
  RunStatus,
  Tag,
} from '../../core/entities.ts';
import { MltsError } from '../../core/errors.ts';
import type { Page } from '../store.ts';

/** A message of MLflow's REST API as it arrives: nothing in it is sure to be there. */
export type Wire = Readonly<Record<string, unknown>>;

/** @throws MltsError where the server's answer lacks `name`: then it is no MLflow server. */
export function readMessage(wire: Wire, name: string, address: string): Wire {
  const value = wire[name];
  if (typeof value === 'object' && value !== null) return value as Wire;
  throw new MltsError('INTERNAL_ERROR', `${address} answered without \`${name}\``, {
    hint: 'check that the address is that of an MLflow server',
  });
}

export function readExperiment(wire: Wire): Experiment {
  return {
    id: readText(wire.experiment_id),
    name: readText(wire.name),
    artifactLocation: readText(wire.artifact_location),
    lifecycleStage: readStage(wire),
    tags: readList(wire.tags).map(readTag),
    creationTimeMs: readTimeMs(wire.creation_time),
    lastUpdateTimeMs: readTimeMs(wire.last_update_time),
  };
}

export function readRun(wire: Wire, address: string): Run {
  const data = (wire.data ?? {}) as Wire;
  const byKey = (a: Tag, b: Tag): number => (a.key < b.key ? -1 : 1);
  return {
    info: readRunInfo(readMessage(wire, 'info', address)),
    params: readList(data.params).map(readTag).sort(byKey),
    tags: readList(data.tags).map(readTag).sort(byKey),
    metrics: readList(data.metrics).map(readMetric),
  };
}

export function readRunInfo(info: Wire): RunInfo {
  return {
    id: readText(info.run_id) || readText(info.run_uuid),
    name: readText(info.run_name),
    experimentId: readText(info.experiment_id),
    userId: readText(info.user_id),
    status: (readText(info.status) || 'RUNNING') as RunStatus,
    startTimeMs: readTimeMs(info.start_time),
    endTimeMs: readTimeMs(info.end_time),
    artifactUri: readText(info.artifact_uri),
    lifecycleStage: readStage(info),
  };
}

export function readMetricHistory(wire: Wire): Page<Metric> {
  return {
    items: readList(wire.metrics).map(readMetric),
    nextPageToken: readText(wire.next_page_token) || undefined,
  };
}

export function writeMetric({ key, value, timestampMs, step }: Metric): Wire {
  return { key, value: writeDouble(value), timestamp: timestampMs, step };
}

function readMetric(wire: Wire): Metric {
  return {
    key: readText(wire.key),
    // Protocol buffers' JSON writes NaN and the infinities as texts; Number reads the latter two.
    value: Number(wire.value ?? 0),
    timestampMs: Number(wire.timestamp ?? 0),
    step: Number(wire.step ?? 0),
  };
}

function writeDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

export function readTag(wire: Wire): Tag {
  return { key: readText(wire.key), value: readText(wire.value) };
}

function readStage(wire: Wire): LifecycleStage {
  return wire.lifecycle_stage === 'deleted' ? 'deleted' : 'active';
}

export function readList(value: unknown): readonly Wire[] {
  return Array.isArray(value) ? (value as Wire[]) : [];
}

export function readText(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}

/** int64 comes as a number from MLflow and as a text from other servers; 0 stands for none. */
function readTimeMs(value: unknown): number | undefined {
  return Number(value ?? 0) || undefined;
}
