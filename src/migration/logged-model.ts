import { basename, join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { LOGGED_MODEL_STATUSES } from '../core/logged-model.ts';
import { parsePythonFloat } from '../core/python-float.ts';
import { listValueFiles, type Meta, readMetaFile, readValue, toColumn, toText } from './folder.ts';
import type { Load } from './load.ts';
import { isWhole, readLines } from './metrics.ts';

/** A model by id, as MLflow 3 keeps it. @throws InvalidInput, MltsError where it cannot be read. */
export function insertLoggedModel(load: Load, folder: string, experimentId: bigint): void {
  const meta = readMetaFile(folder);
  const id = toText(meta, 'model_id', basename(folder));
  const owner = { model_id: id, experiment_id: experimentId };
  if (!load.insert('logged_models', { ...owner, ...toColumns(meta) })) {
    throw new InvalidInput(`another folder holds model ${id} too`);
  }
  load.insertValues('logged_model_params', join(folder, 'params'), (key, value) => ({
    ...owner,
    param_key: key,
    param_value: value,
  }));
  load.insertValues('logged_model_tags', join(folder, 'tags'), (key, value) => ({
    ...owner,
    tag_key: key,
    tag_value: value,
  }));
  for (const key of listValueFiles(join(folder, 'metrics'))) {
    const path = join(folder, 'metrics', key);
    load.attempt(path, () => insertMetric(load, path, key, owner));
  }
}

function toColumns(meta: Meta) {
  return {
    name: toText(meta, 'name'),
    artifact_location: toText(meta, 'artifact_location'),
    creation_timestamp_ms: toColumn(meta, 'creation_timestamp') ?? 0,
    last_updated_timestamp_ms: toColumn(meta, 'last_updated_timestamp') ?? 0,
    status: readStatus(meta),
    lifecycle_stage: toColumn(meta, 'lifecycle_stage') ?? 'active',
    model_type: toColumn(meta, 'model_type'),
    source_run_id: toColumn(meta, 'source_run_id'),
    status_message: toColumn(meta, 'status_message'),
  };
}

function readStatus({ status = 1n }: Meta): bigint {
  if (typeof status === 'bigint') return status;
  const number = (LOGGED_MODEL_STATUSES as readonly unknown[]).indexOf(status);
  if (number === -1) throw new InvalidInput(`its status is \`${status}\``);
  return BigInt(number);
}

interface Owner {
  readonly model_id: string;
  readonly experiment_id: bigint;
}

/** Time, value, step, run, and the dataset's name and digest where there is one. */
function insertMetric(load: Load, path: string, key: string, owner: Owner): void {
  readLines(readValue(path), (line, number) => {
    const [time = '', text = '', step = '', runId = '', name, digest, ...rest] = line.split(' ');
    const value = parsePythonFloat(text);
    const isWholeLine = isWhole(time) && isWhole(step) && runId !== '' && rest.length === 0;
    if (value === undefined || !isWholeLine || (name === undefined) !== (digest === undefined)) {
      return load.leave(`${path}:${number}: \`${line}\` is no value`);
    }
    load.insertOnce('logged_model_metrics', {
      model_id: owner.model_id,
      metric_name: key,
      metric_timestamp_ms: BigInt(time),
      metric_step: BigInt(step),
      metric_value: Number.isNaN(value) ? null : value,
      experiment_id: owner.experiment_id,
      run_id: runId,
      dataset_uuid: null,
      dataset_name: name ?? null,
      dataset_digest: digest ?? null,
    });
  });
}
