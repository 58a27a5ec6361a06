import type { Kysely } from 'kysely';
import type { DatasetInput, ModelOutput, RunLinks, Tag } from '../../core/entities.ts';
import type { Tables } from '../../sql/tables.ts';
import { readRunInfo } from './rows.ts';
import { partition } from './run-data.ts';

const UNLINKED: RunLinks = { datasetInputs: [], modelInputs: [], modelOutputs: [] };

/** @throws NotFound (`mlflow/store/tracking/sqlalchemy_store.py`, `_get_run_inputs` and its like). */
export async function readRunLinks(database: Kysely<Tables>, runId: string): Promise<RunLinks> {
  await readRunInfo(database, runId);
  return (await readLinksOfRuns(database, [runId])).get(runId) ?? UNLINKED;
}

/** Of those that have any: as many queries for a thousand runs as for one. */
export async function readLinksOfRuns(
  database: Kysely<Tables>,
  runIds: readonly string[],
): Promise<ReadonlyMap<string, RunLinks>> {
  const links = new Map<string, RunLinks>();
  for (const part of partition(runIds)) {
    const outputs = await readModels(database, part, 'RUN_OUTPUT', 'MODEL_OUTPUT');
    const inputs = await readModels(database, part, 'RUN_INPUT', 'MODEL_INPUT');
    const datasets = await readDatasetInputs(database, part);
    for (const runId of new Set([...outputs.keys(), ...inputs.keys(), ...datasets.keys()])) {
      links.set(runId, {
        datasetInputs: datasets.get(runId) ?? [],
        modelInputs: (inputs.get(runId) ?? []).map(({ modelId }) => modelId),
        modelOutputs: outputs.get(runId) ?? [],
      });
    }
  }
  return links;
}

async function readModels(
  database: Kysely<Tables>,
  runIds: readonly string[],
  sourceType: string,
  destinationType: string,
): Promise<ReadonlyMap<string, readonly ModelOutput[]>> {
  const rows = await database
    .selectFrom('inputs')
    .select(['source_id', 'destination_id', 'step'])
    .where('source_type', '=', sourceType)
    .where('source_id', 'in', runIds)
    .where('destination_type', '=', destinationType)
    .execute();
  return groupBy(
    rows,
    ({ source_id: runId }) => runId,
    ({ destination_id: modelId, step }) => ({ modelId, step: Number(step) }),
  );
}

async function readDatasetInputs(
  database: Kysely<Tables>,
  runIds: readonly string[],
): Promise<ReadonlyMap<string, readonly DatasetInput[]>> {
  const rows = await database
    .selectFrom('inputs')
    .innerJoin('datasets', 'datasets.dataset_uuid', 'inputs.source_id')
    .selectAll('datasets')
    .select(['inputs.input_uuid', 'inputs.destination_id'])
    .where('inputs.destination_type', '=', 'RUN')
    .where('inputs.destination_id', 'in', runIds)
    .execute();
  const tags = await readInputTags(
    database,
    rows.map(({ input_uuid: inputId }) => inputId),
  );
  return groupBy(
    rows,
    ({ destination_id: runId }) => runId,
    (row) => ({
      dataset: {
        name: row.name,
        digest: row.digest,
        sourceType: row.dataset_source_type,
        source: row.dataset_source,
        schema: row.dataset_schema ?? undefined,
        profile: row.dataset_profile ?? undefined,
      },
      tags: tags.get(row.input_uuid) ?? [],
    }),
  );
}

async function readInputTags(
  database: Kysely<Tables>,
  inputIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Tag[]>> {
  const tags = new Map<string, readonly Tag[]>();
  for (const part of partition(inputIds)) {
    const rows = await database
      .selectFrom('input_tags')
      .select(['input_uuid', 'name', 'value'])
      .where('input_uuid', 'in', part)
      .execute();
    const found = groupBy(
      rows,
      ({ input_uuid: inputId }) => inputId,
      ({ name: key, value }) => ({ key, value }),
    );
    for (const [inputId, own] of found) tags.set(inputId, own);
  }
  return tags;
}

function groupBy<Row, Item>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  toItem: (row: Row) => Item,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [toItem(row)]);
    else group.push(toItem(row));
  }
  return groups;
}
