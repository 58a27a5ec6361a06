import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { appendToLocation } from '../../core/artifact-location.ts';
import type { Experiment, Metric, Param, RunInfo, Tag } from '../../core/entities.ts';
import { InvalidInput } from '../../core/errors.ts';
import { checkKey } from '../../core/key.ts';
import {
  LOGGED_MODEL_STATUSES,
  type LoggedModel,
  type LoggedModelStatus,
} from '../../core/logged-model.ts';
import type { Page } from '../../core/page.ts';
import { removeFile } from '../../host/file-tree.ts';
import { readTextIfPresent } from '../../host/files.ts';
import { makeFolder } from '../../host/folders.ts';
import { type Meta, writeMeta } from '../../host/meta-file.ts';
import { refuseDeleted } from '../lifecycle.ts';
import { modelParamConflict, withoutRepeats } from '../limits.ts';
import {
  checkLoggedModelName,
  checkModelId,
  loggedModelNotFound,
  modelTagNotFound,
} from '../logged-model-limits.ts';
import { makeRunName } from '../run-name.ts';
import type { LoggedModelSearch, LoggedModelStore, NewLoggedModel } from '../store.ts';
import { listExperimentFolders } from './experiments.ts';
import { explainedFile } from './file-failure.ts';
import {
  appendModelMetrics,
  isDeletedModel,
  MODELS_FOLDER,
  type ModelFolder,
  readModelFolder,
  readModelMeta,
} from './logged-model-folder.ts';
import { searchLoggedModels } from './logged-model-search.ts';
import { writeValues } from './run-folder.ts';

/** What the models need of the store that they are a part of. */
export interface ModelFolderOptions {
  readonly root: string;
  getExperiment(experimentId: string): Promise<Experiment>;
  now(): number;
}

/** Logged models as folders of small files (`mlflow/store/tracking/file_store.py`). */
export class FileLoggedModels implements LoggedModelStore {
  readonly #options: ModelFolderOptions;

  constructor(options: ModelFolderOptions) {
    this.#options = options;
  }

  async create(model: NewLoggedModel): Promise<LoggedModel> {
    const { name = makeRunName(), tags = [], params: given = [] } = model;
    checkLoggedModelName(name);
    for (const { key } of tags) checkKey('tag', key);
    const params = checkParams(given);
    const experiment = await this.#options.getExperiment(model.experimentId);
    refuseDeleted('experiment', experiment.id, experiment.lifecycleStage);
    const id = `m-${randomUUID().replaceAll('-', '')}`;
    const folder = join(this.#options.root, experiment.id, MODELS_FOLDER, id);
    await explainedFile(folder, async () => {
      for (const part of ['metrics', 'params']) await makeFolder(join(folder, part));
      await writeValues(folder, 'params', params);
      await writeValues(folder, 'tags', tags);
      // Last, so that no one sees the model before it is complete.
      const meta = newMeta({ ...model, name, id }, experiment, this.#options.now());
      await writeMeta(folder, meta);
    });
    return this.get(id);
  }

  async get(
    modelId: string,
    { findsDeleted = false }: { readonly findsDeleted?: boolean } = {},
  ): Promise<LoggedModel> {
    const found = await this.#find(modelId);
    if (isDeletedModel(found) && !findsDeleted) throw loggedModelNotFound(modelId);
    return readModelFolder(found);
  }

  async finalize(modelId: string, status: LoggedModelStatus): Promise<LoggedModel> {
    await this.#change(modelId, { status: LOGGED_MODEL_STATUSES.indexOf(status) });
    return this.get(modelId, { findsDeleted: true });
  }

  async delete(modelId: string): Promise<void> {
    await this.#change(modelId, { lifecycle_stage: 'deleted' });
  }

  async #change(modelId: string, change: Meta): Promise<void> {
    const { folder, meta } = await this.#find(modelId);
    const changed = { ...meta, ...change, last_updated_timestamp: this.#options.now() };
    await explainedFile(folder, () => writeMeta(folder, changed));
  }

  async setTags(modelId: string, tags: readonly Tag[]): Promise<void> {
    for (const { key } of tags) checkKey('tag', key);
    const { folder } = await this.#find(modelId);
    await explainedFile(folder, () => writeValues(folder, 'tags', tags));
  }

  async deleteTag(modelId: string, key: string): Promise<void> {
    checkKey('tag', key);
    const { folder } = await this.#find(modelId);
    const isRemoved = await explainedFile(folder, () => removeFile(join(folder, 'tags', key)));
    if (!isRemoved) throw modelTagNotFound(modelId, key);
  }

  async logParams(modelId: string, given: readonly Param[]): Promise<void> {
    const params = checkParams(given);
    const { folder } = await this.#find(modelId);
    for (const { key, value } of params) {
      const old = (await readTextIfPresent(join(folder, 'params', key))) ?? value;
      if (old !== value) throw modelParamConflict(modelId, key, old, value);
    }
    await explainedFile(folder, () => writeValues(folder, 'params', params));
  }

  async search(search: LoggedModelSearch): Promise<Page<LoggedModel>> {
    return searchLoggedModels(this.#options.root, search);
  }

  /**
   * Finds the folders of all models that these metrics name, and returns what writes them.
   *
   * @throws NotFound for an unknown model, InvalidInput for a dataset that a line cannot hold.
   */
  async prepareMetrics(run: RunInfo, metrics: readonly Metric[]): Promise<() => Promise<void>> {
    metrics.forEach(checkDatasetWords);
    const writes: (() => Promise<void>)[] = [];
    for (const [modelId, ofModel] of Map.groupBy(metrics, (metric) => metric.modelId)) {
      if (modelId === undefined) continue;
      const { folder } = await this.#find(modelId);
      const lines = ofModel.map((metric) => ({ ...metric, modelId, runId: run.id }));
      writes.push(() => appendModelMetrics(folder, lines));
    }
    return async () => {
      for (const write of writes) await write();
    };
  }

  /** @throws NotFound; a deleted one is found. */
  async #find(modelId: string): Promise<ModelFolder> {
    checkModelId(modelId);
    for (const parent of await listExperimentFolders(this.#options.root)) {
      const found = await readModelMeta(join(parent, MODELS_FOLDER, modelId));
      if (found !== undefined) return found;
    }
    throw loggedModelNotFound(modelId);
  }
}

function checkParams(params: readonly Param[]): readonly Param[] {
  for (const { key } of params) checkKey('param', key);
  return withoutRepeats(params);
}

/** MLflow writes such a line too, and then cannot read the run any more. */
function checkDatasetWords({ key, dataset }: Metric): void {
  if (dataset === undefined || !/\s/.test(`${dataset.name}${dataset.digest}`)) return;
  throw new InvalidInput(
    `metric \`${key}\`: a folder cannot keep the dataset \`${dataset.name}\`, which has spaces in its name`,
    { hint: 'name it without spaces, or keep the runs in a database' },
  );
}

function newMeta(
  model: NewLoggedModel & { readonly name: string; readonly id: string },
  { id: experimentId, artifactLocation }: Experiment,
  nowMs: number,
): Meta {
  return {
    artifact_location: appendToLocation(artifactLocation, MODELS_FOLDER, model.id, 'artifacts'),
    creation_timestamp: nowMs,
    experiment_id: experimentId,
    last_updated_timestamp: nowMs,
    lifecycle_stage: 'active',
    model_id: model.id,
    model_type: model.modelType ?? null,
    name: model.name,
    source_run_id: model.sourceRunId ?? null,
    status: LOGGED_MODEL_STATUSES.indexOf('PENDING'),
    status_message: null,
  };
}
