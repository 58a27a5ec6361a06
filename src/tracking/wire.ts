import type { Metric } from '../core/entities.ts';
import { LOGGED_MODEL_STATUSES, type LoggedModelStatus } from '../core/logged-model.ts';
import type { Wire } from '../host/http/mlflow-message.ts';

/** What is put into JSON alike by clients and by servers (`mlflow/protos/service.proto`). */
export function writeMetric({ key, value, timestampMs, step, modelId, dataset }: Metric): Wire {
  return {
    key,
    value: writeDouble(value),
    timestamp: timestampMs,
    step,
    ...(dataset ? { dataset_name: dataset.name, dataset_digest: dataset.digest } : {}),
    ...(modelId === undefined ? {} : { model_id: modelId }),
  };
}

/** Protocol buffers' JSON writes what JSON has no numbers for as texts. */
export function writeDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

const STATUS_NAMES: Readonly<Record<LoggedModelStatus, string>> = {
  UNSPECIFIED: 'LOGGED_MODEL_STATUS_UNSPECIFIED',
  PENDING: 'LOGGED_MODEL_PENDING',
  READY: 'LOGGED_MODEL_READY',
  FAILED: 'LOGGED_MODEL_UPLOAD_FAILED',
};

export function writeModelStatus(status: LoggedModelStatus): string {
  return STATUS_NAMES[status];
}

export function readModelStatus(value: unknown): LoggedModelStatus {
  return LOGGED_MODEL_STATUSES.find((status) => STATUS_NAMES[status] === value) ?? 'UNSPECIFIED';
}
