import type { DatasetInput, RunInputs } from '../../core/entities.ts';
import type { LoggedModel, LoggedModelMetric } from '../../core/logged-model.ts';
import {
  readList,
  readMessage,
  readTag,
  readText,
  type Wire,
} from '../../host/http/mlflow-message.ts';
import { readModelStatus } from '../wire.ts';
import { readMetric } from './wire.ts';

/** `LoggedModel` of `service.proto`. */
export function readLoggedModel(wire: Wire, address: string): LoggedModel {
  const info = readMessage(wire, 'info', address);
  const data = (wire.data ?? {}) as Wire;
  const id = readText(info.model_id);
  return {
    id,
    name: readText(info.name),
    experimentId: readText(info.experiment_id),
    artifactUri: readText(info.artifact_uri),
    status: readModelStatus(info.status),
    statusMessage: readText(info.status_message) || undefined,
    modelType: readText(info.model_type) || undefined,
    sourceRunId: readText(info.source_run_id) || undefined,
    creationTimeMs: Number(info.creation_timestamp_ms ?? 0),
    lastUpdateTimeMs: Number(info.last_updated_timestamp_ms ?? 0),
    tags: readList(info.tags).map(readTag).sort(byKey),
    params: readList(data.params).map(readTag).sort(byKey),
    metrics: readList(data.metrics).map((metric) => readModelMetric(metric, id)),
  };
}

function readModelMetric(wire: Wire, modelId: string): LoggedModelMetric {
  return { ...readMetric(wire), modelId, runId: readText(wire.run_id) };
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : 1;
}

/** `LogInputs` of `service.proto`. */
export function writeInputs({ datasetInputs, modelInputs }: RunInputs): Wire {
  return {
    datasets: datasetInputs.map(writeDatasetInput),
    models: modelInputs.map((modelId) => ({ model_id: modelId })),
  };
}

function writeDatasetInput({ dataset, tags }: DatasetInput): Wire {
  const { sourceType, ...rest } = dataset;
  return { tags, dataset: { ...rest, source_type: sourceType } };
}
