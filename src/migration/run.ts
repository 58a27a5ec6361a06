import { basename, join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { type DatasetIds, insertLinks } from './datasets.ts';
import { type Meta, readMetaFile, toColumn, toText } from './folder.ts';
import type { Load } from './load.ts';
import { insertMetrics } from './metrics.ts';

/** `mlflow/protos/service.proto`, enum RunStatus. */
const STATUSES = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;
const SOURCE_TYPES: ReadonlySet<unknown> = new Set([
  ...['NOTEBOOK', 'JOB', 'LOCAL', 'UNKNOWN', 'PROJECT'],
]);

/** @throws InvalidInput, MltsError where the run itself cannot be read; what is below it is told and left behind. */
export function insertRun(load: Load, folder: string, experimentId: bigint, datasets: DatasetIds) {
  const meta = readMetaFile(folder);
  const runId = readRunId(meta, folder);
  if (!load.insert('runs', toRow(meta, runId, experimentId, load.nowMs))) {
    throw new InvalidInput(`another folder holds run ${runId} too`);
  }
  const toValue = (key: string, value: string) => ({ key, value, run_uuid: runId });
  load.insertValues('params', join(folder, 'params'), toValue);
  load.insertValues('tags', join(folder, 'tags'), toValue);
  insertMetrics(load, join(folder, 'metrics'), runId);
  insertLinks(load, folder, runId, datasets);
}

/** The file store itself sees no run whose folder is named otherwise (`file_store.py`, `_get_run_info`). */
function readRunId(meta: Meta, folder: string): string {
  const id = toText(meta, 'run_uuid') || toText(meta, 'run_id');
  if (id === basename(folder)) return id;
  throw new InvalidInput(id === '' ? 'its meta.yaml has no run_id' : `its run_id is \`${id}\``);
}

function toRow(meta: Meta, runId: string, experimentId: bigint, nowMs: number) {
  const { source_type: sourceType } = meta;
  return {
    run_uuid: runId,
    name: toColumn(meta, 'run_name') || toColumn(meta, 'name'),
    source_type: SOURCE_TYPES.has(sourceType) ? String(sourceType) : 'LOCAL',
    source_name: toColumn({ source_name: '', ...meta }, 'source_name'),
    entry_point_name: toColumn({ entry_point_name: '', ...meta }, 'entry_point_name'),
    user_id: toColumn(meta, 'user_id'),
    status: readStatus(meta),
    start_time: toColumn(meta, 'start_time') ?? nowMs,
    end_time: toColumn(meta, 'end_time'),
    deleted_time: toColumn(meta, 'deleted_time'),
    source_version: toColumn({ source_version: '', ...meta }, 'source_version'),
    lifecycle_stage: toColumn(meta, 'lifecycle_stage') ?? 'active',
    artifact_uri: toColumn(meta, 'artifact_uri'),
    experiment_id: experimentId,
  };
}

function readStatus({ status = 1n }: Meta): string {
  const name = typeof status === 'bigint' ? STATUSES[Number(status) - 1] : status;
  if (STATUSES.some((known) => known === name)) return String(name);
  throw new InvalidInput(`its status is \`${status}\``);
}
