import { join } from 'node:path';
import type { DatasetInput, RunLinks } from '../../core/entities.ts';
import { listNames } from '../../host/folders.ts';
import { type Meta, readMeta, readText } from '../../host/meta-file.ts';

/** What a run's folders `inputs` and `outputs` hold (`mlflow/store/tracking/file_store.py`, `_get_all_inputs`). */
export async function readRunLinks(runFolder: string, experimentFolder: string): Promise<RunLinks> {
  const inputs = await readMetas(join(runFolder, 'inputs'));
  const outputs = await readMetas(join(runFolder, 'outputs'));
  const datasets = inputs.filter(({ source_type: type }) => type === 'DATASET');
  const models = inputs.filter(({ source_type: type }) => type === 'MODEL');
  const found = await Promise.all(datasets.map((input) => readDataset(experimentFolder, input)));
  return {
    datasetInputs: found.filter((input) => input !== undefined),
    modelInputs: models.map((input) => readText(input, 'source_id')),
    modelOutputs: outputs.map((output) => ({
      modelId: readText(output, 'destination_id'),
      step: Number(readText(output, 'step')),
    })),
  };
}

async function readMetas(folder: string): Promise<readonly Meta[]> {
  const names = await listNames(folder);
  const metas = await Promise.all(names.map((name) => readMeta(join(folder, name))));
  return metas.filter((meta) => meta !== undefined);
}

/** Undefined where the dataset's own folder is gone, which MLflow passes over. */
async function readDataset(
  experimentFolder: string,
  input: Meta,
): Promise<DatasetInput | undefined> {
  const meta = await readMeta(join(experimentFolder, 'datasets', readText(input, 'source_id')));
  if (meta === undefined) return undefined;
  const dataset = {
    name: readText(meta, 'name'),
    digest: readText(meta, 'digest'),
    sourceType: readText(meta, 'source_type'),
    source: readText(meta, 'source'),
    schema: readText(meta, 'schema') || undefined,
    profile: readText(meta, 'profile') || undefined,
  };
  const tags = Object.entries((input.tags ?? {}) as Readonly<Record<string, unknown>>);
  return { dataset, tags: tags.map(([key, value]) => ({ key, value: String(value) })) };
}
