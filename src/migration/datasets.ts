import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { listFolders, type Meta, readMetaFile, toColumn, toText } from './folder.ts';
import type { Load } from './load.ts';

/** From the names of an experiment's dataset folders to ids in the database: the folder keeps none. */
export type DatasetIds = ReadonlyMap<string, string>;

export function insertDatasets(load: Load, experimentFolder: string, experimentId: bigint) {
  const ids = new Map<string, string>();
  const parent = join(experimentFolder, 'datasets');
  for (const name of listFolders(parent)) {
    load.attempt(join(parent, name), () => {
      const meta = readMetaFile(join(parent, name));
      const id = toText(meta, 'dataset_uuid') || randomUUID();
      const row = toDatasetRow(meta, id, experimentId);
      if (!load.insert('datasets', row)) {
        throw new InvalidInput(`another dataset has its name and digest, \`${row.name}\``);
      }
      ids.set(name, id);
    });
  }
  return ids;
}

function toDatasetRow(meta: Meta, id: string, experimentId: bigint) {
  return {
    dataset_uuid: id,
    experiment_id: experimentId,
    name: toText(meta, 'name'),
    digest: toText(meta, 'digest'),
    dataset_source_type: toText(meta, 'source_type'),
    dataset_source: toText(meta, 'source'),
    dataset_schema: toColumn(meta, 'schema'),
    dataset_profile: toColumn(meta, 'profile'),
  };
}

/** The datasets and models that went into a run, and the models that came out of it. */
export function insertLinks(load: Load, folder: string, runId: string, datasets: DatasetIds): void {
  for (const name of listFolders(join(folder, 'inputs'))) {
    const input = join(folder, 'inputs', name);
    load.attempt(input, () => insertInput(load, readMetaFile(input), runId, datasets));
  }
  for (const modelId of listFolders(join(folder, 'outputs'))) {
    const output = join(folder, 'outputs', modelId);
    load.attempt(output, () => {
      const step = toColumn(readMetaFile(output), 'step') ?? 0;
      load.insert('outputs', toLink(['RUN_OUTPUT', runId], ['MODEL_OUTPUT', modelId], step));
    });
  }
}

function insertInput(load: Load, meta: Meta, runId: string, datasets: DatasetIds): void {
  const link = toInputLink(meta, runId, datasets);
  load.insert('inputs', link);
  const tags = (meta.tags ?? {}) as Meta;
  for (const name of Object.keys(tags)) {
    const value = toText(tags, name);
    load.insert('input_tags', { input_uuid: link.input_uuid, name, value });
  }
}

/** A model is a run's input in the database, where in the folder the run was the model's destination. */
function toInputLink(meta: Meta, runId: string, datasets: DatasetIds) {
  const id = toText(meta, 'source_id');
  const type = toText(meta, 'source_type', 'DATASET');
  if (type === 'MODEL') return toLink(['RUN_INPUT', runId], ['MODEL_INPUT', id]);
  if (type !== 'DATASET') throw new InvalidInput(`its source_type is \`${type}\``);
  const dataset = datasets.get(id);
  if (dataset === undefined) throw new InvalidInput(`its dataset, ${id}, is not there`);
  return toLink(['DATASET', dataset], ['RUN', runId]);
}

function toLink(
  [sourceType, source]: readonly [string, string],
  [destinationType, destination]: readonly [string, string],
  step: ReturnType<typeof toColumn> = 0,
) {
  return {
    input_uuid: randomUUID(),
    source_type: sourceType,
    source_id: source,
    destination_type: destinationType,
    destination_id: destination,
    step,
  };
}
