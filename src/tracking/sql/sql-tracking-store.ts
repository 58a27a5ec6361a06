import type { Kysely, Transaction } from 'kysely';
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
import { changed, closeConnection, explained, type SqlConnection } from '../../sql/connection.ts';
import type { Tables } from '../../sql/tables.ts';
import { checkInputs } from '../input-limits.ts';
import { experimentNotFound, nameTaken } from '../lifecycle.ts';
import {
  checkExperiment,
  checkExperimentTag,
  checkRunData,
  checkRunId,
  checkTags,
  type LengthRule,
} from '../limits.ts';
import { checkModelId } from '../logged-model-limits.ts';
import { nameRun } from '../run-name.ts';
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
import { summarizeDatasets } from './dataset-summaries.ts';
import { parseExperimentId } from './experiment-id.ts';
import { searchExperiments } from './experiment-search.ts';
import { SqlGenAiStore } from './gen-ai.ts';
import {
  deleteExperimentTag,
  moveExperiment,
  moveRun,
  renameExperiment,
  setExperimentTag,
} from './lifecycle.ts';
import { SqlLoggedModels } from './logged-models.ts';
import { readMetricHistory } from './metric-history.ts';
import { insertDefaultExperiment, insertExperiment } from './new-experiment.ts';
import { insertRun } from './new-run.ts';
import { readExperiment, readRunInfo } from './rows.ts';
import { changeRun, logRunData, requireActiveRun } from './run-changes.ts';
import { deleteTag, partition } from './run-data.ts';
import { insertInputs, insertOutputs } from './run-inputs.ts';
import { readLinksOfRuns, readRunLinks } from './run-links.ts';
import { findRunIds, readRuns, searchRuns } from './run-search.ts';
import { readRun } from './run-values.ts';

export interface SqlTrackingOptions {
  /** Absolute path or URI below which new experiments keep their artifacts. */
  readonly artifactRoot: string;
  readonly cwd: string;
  readonly lengths: LengthRule;
  now(): number;
}

/** Experiments and runs in a database, as `mlflow/store/tracking/sqlalchemy_store.py` keeps them. */
export class SqlTrackingStore implements TrackingStore {
  readonly uri: string;
  readonly genAi: SqlGenAiStore;
  readonly loggedModels: SqlLoggedModels;
  readonly #connection: SqlConnection;
  readonly #options: SqlTrackingOptions;

  private constructor(connection: SqlConnection, options: SqlTrackingOptions) {
    this.uri = connection.uri;
    this.genAi = new SqlGenAiStore(connection, options.now);
    this.#connection = connection;
    this.#options = options;
    this.loggedModels = new SqlLoggedModels(connection, options.now);
  }

  /** Makes a store of an open database; MLflow expects experiment 0 in each, so it is made if missing and we may. */
  static async open(
    connection: SqlConnection,
    options: SqlTrackingOptions,
  ): Promise<SqlTrackingStore> {
    const store = new SqlTrackingStore(connection, options);
    try {
      const first = await store.#read((database) =>
        readExperiment(database, { experiment_id: 0n }),
      );
      if (first === undefined && connection.refusal === undefined) {
        await store.#insertDefaultExperiment();
      }
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  async getExperiment(experimentId: string): Promise<Experiment> {
    const id = parseExperimentId(experimentId);
    const found = await this.#read((database) => readExperiment(database, { experiment_id: id }));
    if (found === undefined) throw experimentNotFound(experimentId);
    return found;
  }

  async getExperimentByName(name: string): Promise<Experiment | undefined> {
    return this.#read((database) => readExperiment(database, { name }));
  }

  async createExperiment(experiment: NewExperiment): Promise<string> {
    const { name, artifactLocation, tags = [] } = experiment;
    checkExperiment(name, tags);
    const location = artifactLocation && resolveLocation(artifactLocation, this.#options.cwd);
    const { artifactRoot } = this.#options;
    const nowMs = this.#options.now();
    const row = { name, artifactLocation: location, artifactRoot, tags, nowMs };
    return this.#write((transaction) =>
      insertExperiment(transaction, row).catch((error: unknown) => {
        throw this.#connection.isUniqueViolation(error) ? nameTaken(name, error) : error;
      }),
    );
  }

  async #insertDefaultExperiment(): Promise<void> {
    const { artifactRoot, now } = this.#options;
    await this.#write((transaction) => insertDefaultExperiment(transaction, artifactRoot, now()));
  }

  async renameExperiment(experimentId: string, name: string): Promise<void> {
    const id = parseExperimentId(experimentId);
    checkExperiment(name);
    await this.#write((transaction) =>
      renameExperiment(transaction, id, name, this.#options.now()).catch((error: unknown) => {
        throw this.#connection.isUniqueViolation(error) ? nameTaken(name, error) : error;
      }),
    );
  }

  async deleteExperiment(experimentId: string): Promise<void> {
    await this.#moveExperiment(experimentId, 'deleted');
  }

  async restoreExperiment(experimentId: string): Promise<void> {
    await this.#moveExperiment(experimentId, 'active');
  }

  async #moveExperiment(experimentId: string, stage: LifecycleStage): Promise<void> {
    const id = parseExperimentId(experimentId);
    const now = this.#options.now();
    await this.#write((transaction) => moveExperiment(transaction, id, stage, now));
  }

  async setExperimentTag(experimentId: string, tag: Tag): Promise<void> {
    const id = parseExperimentId(experimentId);
    checkExperimentTag(tag);
    await this.#write((transaction) => setExperimentTag(transaction, id, tag));
  }

  async deleteExperimentTag(experimentId: string, key: string): Promise<void> {
    const id = parseExperimentId(experimentId);
    await this.#write((transaction) => deleteExperimentTag(transaction, id, key));
  }

  async createRun(run: NewRun): Promise<Run> {
    const { name, tags } = nameRun(run.runName, checkTags(run.tags, this.#options.lengths));
    return this.#write((transaction) => insertRun(transaction, { ...run, name, tags }));
  }

  async getRun(runId: string): Promise<Run> {
    checkRunId(runId);
    return this.#read((database) => readRun(database, runId));
  }

  async logBatch(runId: string, data: RunData): Promise<void> {
    checkRunId(runId);
    const checked = checkRunData(data, this.#options.lengths);
    const { toFlag } = this.#connection;
    await this.#write((transaction) => logRunData(transaction, runId, checked, toFlag));
  }

  async updateRun(runId: string, update: RunUpdate): Promise<RunInfo> {
    checkRunId(runId);
    return this.#write((transaction) => changeRun(transaction, runId, update));
  }

  async deleteRun(runId: string): Promise<void> {
    checkRunId(runId);
    const now = this.#options.now();
    await this.#write((transaction) => moveRun(transaction, runId, 'deleted', now));
  }

  async restoreRun(runId: string): Promise<void> {
    checkRunId(runId);
    const now = this.#options.now();
    await this.#write((transaction) => moveRun(transaction, runId, 'active', now));
  }

  async deleteTag(runId: string, key: string): Promise<void> {
    checkRunId(runId);
    await this.#write(async (transaction) => {
      await requireActiveRun(transaction, runId);
      await deleteTag(transaction, runId, key);
    });
  }

  async getMetricHistory(runId: string, key: string, page: PageRequest): Promise<Page<Metric>> {
    checkRunId(runId);
    checkKey('metric', key);
    return this.#read(async (database) => {
      await readRunInfo(database, runId);
      return readMetricHistory(this.#connection.searched, runId, key, page);
    });
  }

  async searchExperiments(search: ExperimentSearch): Promise<Page<Experiment>> {
    return this.#read((database) => searchExperiments(database, search));
  }

  async searchRuns(search: RunSearch): Promise<Page<Run>> {
    return this.#read(() => searchRuns(this.#connection, search));
  }

  async *scanRuns(scan: RunScan): AsyncGenerator<readonly Run[]> {
    const ids = await this.#read(() => findRunIds(this.#connection, scan));
    if (ids.length === 0) yield [];
    for (const part of partition(ids, this.#connection.runsPerRead)) {
      yield await this.#read(() => readRuns(this.#connection, part, scan));
    }
  }

  async getRunLinks(runId: string): Promise<RunLinks> {
    checkRunId(runId);
    return this.#read((database) => readRunLinks(database, runId));
  }

  async getLinksOfRuns(runIds: readonly string[]): Promise<ReadonlyMap<string, RunLinks>> {
    return this.#read((database) => readLinksOfRuns(database, runIds));
  }

  async summarizeDatasets(experimentIds: readonly string[]): Promise<readonly DatasetSummary[]> {
    return this.#read((database) => summarizeDatasets(database, experimentIds));
  }

  async logInputs(runId: string, inputs: Partial<RunInputs>): Promise<void> {
    checkRunId(runId);
    const checked = checkInputs(inputs);
    await this.#write(async (transaction) => {
      const { info } = await requireActiveRun(transaction, runId);
      await insertInputs(transaction, info, checked);
    });
  }

  async logOutputs(runId: string, models: readonly ModelOutput[]): Promise<void> {
    checkRunId(runId);
    for (const { modelId } of models) checkModelId(modelId);
    await this.#write(async (transaction) => {
      await requireActiveRun(transaction, runId);
      await insertOutputs(transaction, runId, models);
    });
  }

  async close(): Promise<void> {
    await closeConnection(this.#connection);
  }

  #read<T>(work: (database: Kysely<Tables>) => Promise<T>): Promise<T> {
    return explained(this.#connection, () => work(this.#connection.database));
  }

  #write<T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T> {
    return changed(this.#connection, work);
  }
}
