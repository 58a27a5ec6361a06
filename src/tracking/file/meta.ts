import type { LifecycleStage, RunStatus } from '../../core/entities.ts';
import type { Meta } from '../../host/meta-file.ts';

export function readStage(meta: Meta): LifecycleStage {
  return meta.lifecycle_stage === 'deleted' ? 'deleted' : 'active';
}

/** `mlflow/protos/service.proto`, enum RunStatus: meta.yaml holds the number. */
const STATUS_NUMBERS: Readonly<Record<RunStatus, number>> = {
  RUNNING: 1,
  SCHEDULED: 2,
  FINISHED: 3,
  FAILED: 4,
  KILLED: 5,
};

export function toStatusNumber(status: RunStatus): number {
  return STATUS_NUMBERS[status];
}

export function readStatus(meta: Meta): RunStatus {
  const number = Number(meta.status ?? STATUS_NUMBERS.RUNNING);
  const names = Object.keys(STATUS_NUMBERS) as RunStatus[];
  return names.find((name) => STATUS_NUMBERS[name] === number) ?? 'RUNNING';
}
