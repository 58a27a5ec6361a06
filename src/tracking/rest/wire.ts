import type {
  Experiment,
  LifecycleStage,
  Metric,
  Run,
  RunInfo,
  RunStatus,
  Tag,
} from '../../core/entities.ts';
import type { Page } from '../../core/page.ts';
import {
  readList,
  readMessage,
  readTag,
  readText,
  readTimeMs,
  type Wire,
} from '../../host/http/mlflow-message.ts';

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

export function readMetric(wire: Wire): Metric {
  const name = readText(wire.dataset_name);
  return {
    key: readText(wire.key),
    // Protocol buffers' JSON writes NaN and the infinities as texts; Number reads the latter two.
    value: Number(wire.value ?? 0),
    timestampMs: Number(wire.timestamp ?? 0),
    step: Number(wire.step ?? 0),
    ...(name === '' ? {} : { dataset: { name, digest: readText(wire.dataset_digest) } }),
  };
}

function readStage(wire: Wire): LifecycleStage {
  return wire.lifecycle_stage === 'deleted' ? 'deleted' : 'active';
}
