import { randomUUID } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import { appendToLocation } from '../../core/artifact-location.ts';
import type { Param, Tag } from '../../core/entities.ts';
import {
  LOGGED_MODEL_STATUSES,
  type LoggedModel,
  type LoggedModelStatus,
} from '../../core/logged-model.ts';
import type { Page } from '../../core/page.ts';
import { changed, explained, type SqlConnection } from '../../sql/connection.ts';
import type { Tables } from '../../sql/tables.ts';
import { refuseDeleted } from '../lifecycle.ts';
import { modelParamConflict, withoutRepeats } from '../limits.ts';
import {
  checkLoggedModelName,
  checkModelKeys,
  modelTagNotFound,
  requireModelId,
} from '../logged-model-limits.ts';
import { makeRunName } from '../run-name.ts';
import type { LoggedModelSearch, LoggedModelStore, NewLoggedModel } from '../store.ts';
import { parseExperimentId } from './experiment-id.ts';
import { requireExperiment } from './lifecycle.ts';
import { readLoggedModel, requireModelRow } from './logged-model-rows.ts';
import { searchLoggedModels } from './logged-model-search.ts';
import { partition } from './run-data.ts';

type Whole = Tables['logged_models']['experiment_id'];

/** Logged models in a database, as `mlflow/store/tracking/sqlalchemy_store.py` keeps them. */
export class SqlLoggedModels implements LoggedModelStore {
  readonly #connection: SqlConnection;
  readonly #now: () => number;

  constructor(connection: SqlConnection, now: () => number) {
    this.#connection = connection;
    this.#now = now;
  }

  async create(model: NewLoggedModel): Promise<LoggedModel> {
    const experimentId = parseExperimentId(model.experimentId);
    const { name = makeRunName(), tags = [], params = [] } = model;
    checkLoggedModelName(name);
    checkModelKeys('tag', tags);
    checkModelKeys('param', params);
    const modelId = `m-${randomUUID().replaceAll('-', '')}`;
    return this.#write(async (transaction) => {
      await insertModel(transaction, { ...model, name, modelId, experimentId }, this.#now());
      await insertParams(transaction, modelId, experimentId, params);
      await insertTags(transaction, modelId, experimentId, tags);
      return readLoggedModel(transaction, modelId);
    });
  }

  async get(modelId: string, options = {}): Promise<LoggedModel> {
    requireModelId(modelId);
    return this.#read((database) => readLoggedModel(database, modelId, options));
  }

  async finalize(modelId: string, status: LoggedModelStatus): Promise<LoggedModel> {
    requireModelId(modelId);
    const change = { status: LOGGED_MODEL_STATUSES.indexOf(status) };
    return this.#write(async (transaction) => {
      await changeModel(transaction, modelId, change, this.#now());
      return readLoggedModel(transaction, modelId, { findsDeleted: true });
    });
  }

  async delete(modelId: string): Promise<void> {
    requireModelId(modelId);
    await this.#write((transaction) =>
      changeModel(transaction, modelId, { lifecycle_stage: 'deleted' }, this.#now()),
    );
  }

  async setTags(modelId: string, tags: readonly Tag[]): Promise<void> {
    requireModelId(modelId);
    checkModelKeys('tag', tags);
    await this.#write(async (transaction) => {
      const { experiment_id: experimentId } = await requireModelRow(transaction, modelId);
      await insertTags(transaction, modelId, experimentId, tags);
    });
  }

  async deleteTag(modelId: string, key: string): Promise<void> {
    requireModelId(modelId);
    await this.#write(async (transaction) => {
      await requireModelRow(transaction, modelId);
      const deleted = await transaction
        .deleteFrom('logged_model_tags')
        .where('model_id', '=', modelId)
        .where('tag_key', '=', key)
        .returning('tag_key')
        .executeTakeFirst();
      if (deleted === undefined) throw modelTagNotFound(modelId, key);
    });
  }

  async logParams(modelId: string, params: readonly Param[]): Promise<void> {
    requireModelId(modelId);
    checkModelKeys('param', params);
    await this.#write(async (transaction) => {
      const { experiment_id: experimentId } = await requireModelRow(transaction, modelId);
      await insertParams(transaction, modelId, experimentId, params);
    });
  }

  async search(search: LoggedModelSearch): Promise<Page<LoggedModel>> {
    return this.#read(() => searchLoggedModels(this.#connection, search));
  }

  #read<T>(work: (database: Kysely<Tables>) => Promise<T>): Promise<T> {
    return explained(this.#connection, () => work(this.#connection.database));
  }

  #write<T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T> {
    return changed(this.#connection, work);
  }
}

interface InsertedModel extends Omit<NewLoggedModel, 'experimentId'> {
  readonly name: string;
  readonly modelId: string;
  readonly experimentId: bigint;
}

/** @throws NotFound, InvalidInput for a deleted experiment. */
async function insertModel(
  transaction: Transaction<Tables>,
  { name, modelId, experimentId, modelType, sourceRunId }: InsertedModel,
  nowMs: number,
): Promise<void> {
  const experiment = await requireExperiment(transaction, experimentId);
  refuseDeleted('experiment', experiment.id, experiment.lifecycleStage);
  await transaction
    .insertInto('logged_models')
    .values({
      model_id: modelId,
      experiment_id: experimentId,
      name,
      artifact_location: appendToLocation(
        experiment.artifactLocation,
        'models',
        modelId,
        'artifacts',
      ),
      creation_timestamp_ms: nowMs,
      last_updated_timestamp_ms: nowMs,
      status: LOGGED_MODEL_STATUSES.indexOf('PENDING'),
      lifecycle_stage: 'active',
      model_type: modelType ?? null,
      source_run_id: sourceRunId ?? null,
      status_message: null,
    })
    .execute();
}

/** @throws NotFound */
async function changeModel(
  transaction: Transaction<Tables>,
  modelId: string,
  change: Partial<Pick<Tables['logged_models'], 'status' | 'lifecycle_stage'>>,
  nowMs: number,
): Promise<void> {
  await requireModelRow(transaction, modelId);
  await transaction
    .updateTable('logged_models')
    .set({ ...change, last_updated_timestamp_ms: nowMs })
    .where('model_id', '=', modelId)
    .execute();
}

/** @throws InvalidInput for one that is there with another value. */
async function insertParams(
  transaction: Transaction<Tables>,
  modelId: string,
  experimentId: Whole,
  given: readonly Param[],
): Promise<void> {
  const params = withoutRepeats(given);
  const rows = params.map(({ key, value }) => ({
    model_id: modelId,
    experiment_id: experimentId,
    param_key: key,
    param_value: value,
  }));
  for (const part of partition(rows)) {
    const insert = transaction.insertInto('logged_model_params').values(part);
    await insert.onConflict((conflict) => conflict.doNothing()).execute();
  }
  const { params: stored } = await readLoggedModel(transaction, modelId, { findsDeleted: true });
  const values = new Map(stored.map(({ key, value }) => [key, value]));
  for (const { key, value } of params) {
    const old = values.get(key) ?? value;
    if (old !== value) throw modelParamConflict(modelId, key, old, value);
  }
}

/** Of a tag that comes twice the last one counts. */
async function insertTags(
  transaction: Transaction<Tables>,
  modelId: string,
  experimentId: Whole,
  tags: readonly Tag[],
): Promise<void> {
  const last = new Map(tags.map(({ key, value }) => [key, value]));
  const rows = [...last].map(([key, value]) => ({
    model_id: modelId,
    experiment_id: experimentId,
    tag_key: key,
    tag_value: value,
  }));
  for (const part of partition(rows)) {
    await transaction
      .insertInto('logged_model_tags')
      .values(part)
      .onConflict((conflict) =>
        conflict
          .columns(['model_id', 'tag_key'])
          .doUpdateSet(({ ref }) => ({ tag_value: ref('excluded.tag_value') })),
      )
      .execute();
  }
}
