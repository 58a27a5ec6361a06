import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { resolveLocation } from '../../core/artifact-location.ts';
import type {
  DatasetSummary,
  Experiment,
  LifecycleStage,
  Metric,
  ModelOutput,
  Run,
  RunInfo,
  RunInputs,
  RunLinks,
  Tag,
} from '../../core/entities.ts';
import { checkKey } from '../../core/key.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { removeFile } from '../../host/file-tree.ts';
import { withLock } from '../../host/files.ts';
import { makeFolder } from '../../host/folders.ts';
import { summarizeByRuns } from '../dataset-summaries.ts';
import { checkInputs } from '../input-limits.ts';
import { experimentNotFound, nameTaken, refuseDeleted, tagNotFound } from '../lifecycle.ts';
import {
  checkExperiment,
  checkExperimentId,
  checkExperimentTag,
  checkRunData,
  checkTags,
  type LengthRule,
} from '../limits.ts';
import { checkModelId } from '../logged-model-limits.ts';
import type {
  ExperimentSearch,
  NewExperiment,
  NewRun,
  RunData,
  RunScan,
  RunSearch,
  RunUpdate,
  TrackingStore,
} from '../store.ts';
import {
  findExperimentByName,
  findExperimentFolder,
  makeExperimentId,
  readExperimentFolder,
  TRASH_FOLDER,
  writeExperimentFolder,
} from './experiments.ts';
import { explainedFile } from './file-failure.ts';
import { noGenAiStore } from './gen-ai.ts';
import {
  deleteExperimentTag,
  markRun,
  moveExperiment,
  renameExperiment,
  setExperimentTag,
} from './lifecycle.ts';
import { FileLoggedModels } from './logged-models.ts';
import { readMetricHistory } from './metric-history.ts';
import {
  changeRun,
  findActiveRun,
  findRunFolder,
  writeNewRun,
  writeRunData,
} from './run-changes.ts';
import { checkParams, readRunFolder } from './run-folder.ts';
import { writeInputs, writeOutputs } from './run-inputs.ts';
import { readRunLinks } from './run-links.ts';
import { findRuns, searchExperiments, searchRuns } from './search.ts';

export interface FileTrackingOptions {
  /** The URI or path as given, made absolute: what a child process is told. */
  readonly uri: string;
  /** Where artifacts of new experiments go. */
  readonly artifactRoot: string;
  readonly cwd: string;
  /** Folder for the locks that keep two new experiments from taking one name. */
  readonly lockFolder: string;
  readonly signal: AbortSignal;
  readonly lengths: LengthRule;
  now(): number;
}

/** Experiments and runs as folders of small files (`mlflow/store/tracking/file_store.py`). */
export class FileTrackingStore implements TrackingStore {
  readonly uri: string;
  readonly genAi = noGenAiStore;
  readonly loggedModels: FileLoggedModels;
  readonly #root: string;
  readonly #options: FileTrackingOptions;

  private constructor(root: string, options: FileTrackingOptions) {
    this.uri = options.uri;
    this.#root = root;
    this.#options = options;
    this.loggedModels = new FileLoggedModels({
      root,
      getExperiment: (experimentId) => this.getExperiment(experimentId),
      now: () => options.now(),
    });
  }

  /** Opens the store in `root`, an absolute path; the folder and experiment 0 are made where missing. */
  static async open(root: string, options: FileTrackingOptions): Promise<FileTrackingStore> {
    const store = new FileTrackingStore(root, options);
    await makeFolder(join(root, TRASH_FOLDER), 'name another folder in MLFLOW_TRACKING_URI');
    if ((await findExperimentFolder(root, '0')) === undefined) {
      await store.#locked(() => store.#createDefaultExperiment());
    }
    return store;
  }

  async #createDefaultExperiment(): Promise<void> {
    if ((await findExperimentFolder(this.#root, '0')) !== undefined) return;
    await this.#writeExperiment('0', { name: 'Default' });
  }

  async getExperiment(experimentId: string): Promise<Experiment> {
    checkExperimentId(experimentId);
    const folder = await findExperimentFolder(this.#root, experimentId);
    const found = folder === undefined ? undefined : await readExperimentFolder(folder);
    if (found !== undefined) return found;
    throw experimentNotFound(experimentId);
  }

  async getExperimentByName(name: string): Promise<Experiment | undefined> {
    return findExperimentByName(this.#root, name);
  }

  async createExperiment(experiment: NewExperiment): Promise<string> {
    checkExperiment(experiment.name, experiment.tags ?? []);
    return this.#locked(async () => {
      if ((await this.getExperimentByName(experiment.name)) !== undefined) {
        throw nameTaken(experiment.name);
      }
      const id = makeExperimentId();
      await this.#writeExperiment(id, experiment);
      return id;
    });
  }

  async #writeExperiment(id: string, { name, artifactLocation, tags = [] }: NewExperiment) {
    await writeExperimentFolder(this.#root, {
      id,
      name,
      artifactLocation: artifactLocation && resolveLocation(artifactLocation, this.#options.cwd),
      artifactRoot: this.#options.artifactRoot,
      tags,
      nowMs: this.#options.now(),
    });
  }

  async renameExperiment(experimentId: string, name: string): Promise<void> {
    checkExperimentId(experimentId);
    checkExperiment(name);
    const { now } = this.#options;
    await this.#locked(() => renameExperiment(this.#root, experimentId, name, now()));
  }

  async deleteExperiment(experimentId: string): Promise<void> {
    await this.#moveExperiment(experimentId, 'deleted');
  }

  async restoreExperiment(experimentId: string): Promise<void> {
    await this.#moveExperiment(experimentId, 'active');
  }

  async #moveExperiment(experimentId: string, stage: LifecycleStage): Promise<void> {
    checkExperimentId(experimentId);
    const { now } = this.#options;
    await this.#locked(() => moveExperiment(this.#root, experimentId, stage, now()));
  }

  async setExperimentTag(experimentId: string, tag: Tag): Promise<void> {
    checkExperimentId(experimentId);
    checkExperimentTag(tag);
    await explainedFile(this.#root, () => setExperimentTag(this.#root, experimentId, tag));
  }

  async deleteExperimentTag(experimentId: string, key: string): Promise<void> {
    checkExperimentId(experimentId);
    await explainedFile(this.#root, () => deleteExperimentTag(this.#root, experimentId, key));
  }

  async createRun(run: NewRun): Promise<Run> {
    const tags = checkTags(run.tags, this.#options.lengths);
    const experiment = await this.getExperiment(run.experimentId);
    refuseDeleted('experiment', experiment.id, experiment.lifecycleStage);
    return this.getRun(await writeNewRun(this.#root, experiment, { ...run, tags }));
  }

  async getRun(runId: string): Promise<Run> {
    const { folder, info } = await findRunFolder(this.#root, runId);
    return readRunFolder(folder, info);
  }

  async logBatch(runId: string, data: RunData): Promise<void> {
    const checked = checkRunData(data, this.#options.lengths);
    const run = await findActiveRun(this.#root, runId);
    await checkParams(run.folder, runId, checked.params);
    const writeModelMetrics = await this.loggedModels.prepareMetrics(run.info, checked.metrics);
    await writeRunData(run, checked, writeModelMetrics);
  }

  async updateRun(runId: string, update: RunUpdate): Promise<RunInfo> {
    return changeRun(await findActiveRun(this.#root, runId), update);
  }

  async deleteRun(runId: string): Promise<void> {
    await this.#markRun(runId, 'deleted');
  }

  async restoreRun(runId: string): Promise<void> {
    await this.#markRun(runId, 'active');
  }

  async #markRun(runId: string, stage: LifecycleStage): Promise<void> {
    const { folder, meta } = await findRunFolder(this.#root, runId);
    await explainedFile(folder, () => markRun(folder, meta, stage, this.#options.now()));
  }

  async deleteTag(runId: string, key: string): Promise<void> {
    checkKey('tag', key);
    const { folder } = await findActiveRun(this.#root, runId);
    const isRemoved = await explainedFile(folder, () => removeFile(join(folder, 'tags', key)));
    if (!isRemoved) throw tagNotFound(runId, key);
  }

  async getMetricHistory(runId: string, key: string, page: PageRequest): Promise<Page<Metric>> {
    checkKey('metric', key);
    const { folder } = await findRunFolder(this.#root, runId);
    return readMetricHistory(folder, key, page);
  }

  async searchExperiments(search: ExperimentSearch): Promise<Page<Experiment>> {
    return searchExperiments(this.#root, search);
  }

  async searchRuns(search: RunSearch): Promise<Page<Run>> {
    return searchRuns(this.#root, search);
  }

  async *scanRuns(scan: RunScan): AsyncGenerator<readonly Run[]> {
    yield await findRuns(this.#root, scan);
  }

  async getRunLinks(runId: string): Promise<RunLinks> {
    const { folder } = await findRunFolder(this.#root, runId);
    return readRunLinks(folder, dirname(folder));
  }

  async getLinksOfRuns(runIds: readonly string[]): Promise<ReadonlyMap<string, RunLinks>> {
    const links = new Map<string, RunLinks>();
    for (const runId of runIds) links.set(runId, await this.getRunLinks(runId));
    return links;
  }

  async summarizeDatasets(experimentIds: readonly string[]): Promise<readonly DatasetSummary[]> {
    return summarizeByRuns(this, experimentIds);
  }

  async logInputs(runId: string, inputs: Partial<RunInputs>): Promise<void> {
    const checked = checkInputs(inputs);
    const { folder } = await findActiveRun(this.#root, runId);
    await explainedFile(folder, () => writeInputs(folder, dirname(folder), runId, checked));
  }

  async logOutputs(runId: string, models: readonly ModelOutput[]): Promise<void> {
    for (const { modelId } of models) checkModelId(modelId);
    const { folder } = await findActiveRun(this.#root, runId);
    await explainedFile(folder, () => writeOutputs(folder, models));
  }

  async close(): Promise<void> {}

  #locked<T>(work: () => Promise<T>): Promise<T> {
    const { lockFolder, signal } = this.#options;
    const name = createHash('sha256').update(this.#root).digest('hex').slice(0, 32);
    return withLock(join(lockFolder, `${name}.lock`), { signal }, () =>
      explainedFile(this.#root, work),
    );
  }
}
