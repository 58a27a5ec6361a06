import type {
  DatasetSummary,
  Experiment,
  Metric,
  ModelOutput,
  Run,
  RunInfo,
  RunInputs,
  RunLinks,
  Tag,
} from '../../core/entities.ts';
import { AlreadyExists, NotFoundByApi } from '../../core/errors.ts';
import { checkKey } from '../../core/key.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import type { Context } from '../../host/context.ts';
import { type MlflowApi, openMlflowApi } from '../../host/http/mlflow-api.ts';
import { readMessage } from '../../host/http/mlflow-message.ts';
import { readPages } from '../../search/pages.ts';
import { summarizeByRuns } from '../dataset-summaries.ts';
import { checkInputs } from '../input-limits.ts';
import { nameTaken, renameDeleted } from '../lifecycle.ts';
import {
  checkExperiment,
  checkExperimentId,
  checkExperimentTag,
  checkRunData,
  checkRunId,
  checkTags,
  type LengthRule,
  readLengthRule,
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
import { writeMetric } from '../wire.ts';
import { RestGenAiStore } from './gen-ai.ts';
import { writeInputs } from './logged-model-wire.ts';
import { RestLoggedModels } from './logged-models.ts';
import { readRunLinks } from './run-links.ts';
import { searchExperiments, searchRuns } from './search.ts';
import { readExperiment, readMetricHistory, readRun, readRunInfo } from './wire.ts';

/** What one log-batch request may hold (`mlflow/utils/validation.py`): 1000 in all, 100 of these. */
const PARAMS_PER_REQUEST = 100;
const TAGS_PER_REQUEST = 100;
const METRICS_PER_REQUEST = 800;

/** Experiments and runs of an MLflow server (`mlflow/store/tracking/rest_store.py`). */
export class RestTrackingStore implements TrackingStore {
  /** As given, with its credentials: the child process has to get in too. */
  readonly uri: string;
  readonly genAi: RestGenAiStore;
  readonly loggedModels: RestLoggedModels;
  readonly #api: MlflowApi;
  readonly #lengths: LengthRule;

  private constructor(uri: string, api: MlflowApi, lengths: LengthRule) {
    this.uri = uri;
    this.genAi = new RestGenAiStore(api);
    this.#api = api;
    this.#lengths = lengths;
    this.loggedModels = new RestLoggedModels(api);
  }

  /** Nothing is sent yet: a server that is not there shows on the first call. */
  static async open(uri: string, context: Context): Promise<RestTrackingStore> {
    const lengths = readLengthRule(context.env, context.terminal.warn);
    return new RestTrackingStore(uri, await openMlflowApi(uri, context), lengths);
  }

  async getExperiment(experimentId: string): Promise<Experiment> {
    const query = { experiment_id: checkExperimentId(experimentId) };
    const answer = await this.#api.get('experiments/get', query);
    return readExperiment(readMessage(answer, 'experiment', this.#api.address));
  }

  async getExperimentByName(name: string): Promise<Experiment | undefined> {
    try {
      const answer = await this.#api.get('experiments/get-by-name', { experiment_name: name });
      return readExperiment(readMessage(answer, 'experiment', this.#api.address));
    } catch (error) {
      if (error instanceof NotFoundByApi) return undefined;
      throw error;
    }
  }

  async createExperiment({ name, artifactLocation, tags = [] }: NewExperiment): Promise<string> {
    checkExperiment(name, tags);
    const location = artifactLocation ? { artifact_location: artifactLocation } : {};
    try {
      const answer = await this.#api.post('experiments/create', { name, tags, ...location });
      return String(answer.experiment_id);
    } catch (error) {
      // A server with a database tells its whole statement.
      throw error instanceof AlreadyExists ? nameTaken(name, error) : error;
    }
  }

  async renameExperiment(experimentId: string, name: string): Promise<void> {
    checkExperiment(name);
    // MLflow's server answers 500 for a deleted one, as if trying again could help.
    const { lifecycleStage } = await this.getExperiment(experimentId);
    if (lifecycleStage === 'deleted') throw renameDeleted(experimentId);
    try {
      const body = { experiment_id: experimentId, new_name: name };
      await this.#api.post('experiments/update', body);
    } catch (error) {
      // A server with a database answers with the driver's words for a name in use.
      const other = await this.getExperimentByName(name).catch(() => undefined);
      throw other === undefined || other.id === experimentId ? error : nameTaken(name, error);
    }
  }

  async deleteExperiment(experimentId: string): Promise<void> {
    await this.#api.post('experiments/delete', { experiment_id: checkExperimentId(experimentId) });
  }

  async restoreExperiment(experimentId: string): Promise<void> {
    await this.#api.post('experiments/restore', { experiment_id: checkExperimentId(experimentId) });
  }

  async setExperimentTag(experimentId: string, tag: Tag): Promise<void> {
    checkExperimentTag(tag);
    const body = { experiment_id: checkExperimentId(experimentId), key: tag.key, value: tag.value };
    await this.#api.post('experiments/set-experiment-tag', body, { isIdempotent: true });
  }

  async deleteExperimentTag(experimentId: string, key: string): Promise<void> {
    const body = { experiment_id: checkExperimentId(experimentId), key: checkKey('tag', key) };
    await this.#api.post('experiments/delete-experiment-tag', body);
  }

  async createRun(run: NewRun): Promise<Run> {
    const { name, tags } = nameRun(run.runName, checkTags(run.tags, this.#lengths));
    const answer = await this.#api.post('runs/create', {
      experiment_id: checkExperimentId(run.experimentId),
      user_id: run.userId,
      start_time: run.startTimeMs,
      run_name: name,
      tags,
    });
    return readRun(readMessage(answer, 'run', this.#api.address), this.#api.address);
  }

  async getRun(runId: string): Promise<Run> {
    const answer = await this.#api.get('runs/get', { run_id: checkRunId(runId) });
    return readRun(readMessage(answer, 'run', this.#api.address), this.#api.address);
  }

  /** In as many requests as MLflow's limits ask for: what is more than one is not all or nothing. */
  async logBatch(runId: string, data: RunData): Promise<void> {
    checkRunId(runId);
    for (const batch of splitBatch(checkRunData(data, this.#lengths))) {
      const body = { run_id: runId, ...batch, metrics: batch.metrics.map(writeMetric) };
      await this.#api.post('runs/log-batch', body, { isIdempotent: true });
    }
  }

  async updateRun(runId: string, update: RunUpdate): Promise<RunInfo> {
    const { status, endTimeMs, runName } = update;
    const body = {
      run_id: checkRunId(runId),
      ...(status === undefined ? {} : { status }),
      ...(endTimeMs === undefined ? {} : { end_time: endTimeMs }),
      ...(runName ? { run_name: runName } : {}),
    };
    const answer = await this.#api.post('runs/update', body, { isIdempotent: true });
    return readRunInfo(readMessage(answer, 'run_info', this.#api.address));
  }

  async deleteRun(runId: string): Promise<void> {
    const body = { run_id: checkRunId(runId) };
    await this.#api.post('runs/delete', body, { isIdempotent: true });
  }

  async restoreRun(runId: string): Promise<void> {
    const body = { run_id: checkRunId(runId) };
    await this.#api.post('runs/restore', body, { isIdempotent: true });
  }

  async deleteTag(runId: string, key: string): Promise<void> {
    await this.#api.post('runs/delete-tag', {
      run_id: checkRunId(runId),
      key: checkKey('tag', key),
    });
  }

  async getMetricHistory(runId: string, key: string, page: PageRequest): Promise<Page<Metric>> {
    const answer = await this.#api.get('metrics/get-history', {
      run_id: checkRunId(runId),
      metric_key: checkKey('metric', key),
      max_results: String(page.maxResults),
      ...(page.pageToken === undefined ? {} : { page_token: page.pageToken }),
    });
    const history = readMetricHistory(answer);
    // A server with a database gives nothing for a run that is not there.
    if (history.items.length === 0) await this.getRun(runId);
    return history;
  }

  async searchExperiments(search: ExperimentSearch): Promise<Page<Experiment>> {
    return searchExperiments(this.#api, search);
  }

  async searchRuns(search: RunSearch): Promise<Page<Run>> {
    return searchRuns(this.#api, search);
  }

  scanRuns({ maxResults, ...scan }: RunScan): AsyncGenerator<readonly Run[]> {
    return readPages((page) => this.searchRuns({ ...scan, ...page }), maxResults);
  }

  async getRunLinks(runId: string): Promise<RunLinks> {
    const answer = await this.#api.get('runs/get', { run_id: checkRunId(runId) });
    return readRunLinks(readMessage(answer, 'run', this.#api.address));
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
    const body = { run_id: checkRunId(runId), ...writeInputs(checkInputs(inputs)) };
    await this.#api.post('runs/log-inputs', body, { isIdempotent: true });
  }

  async logOutputs(runId: string, models: readonly ModelOutput[]): Promise<void> {
    const wires = models.map(({ modelId, step }) => ({ model_id: checkModelId(modelId), step }));
    if (wires.length === 0) return;
    await this.#api.post('runs/outputs', { run_id: checkRunId(runId), models: wires });
  }

  async close(): Promise<void> {
    await this.#api.close();
  }
}

function splitBatch({ params, tags, metrics }: Required<RunData>): readonly Required<RunData>[] {
  const count = Math.max(
    Math.ceil(params.length / PARAMS_PER_REQUEST),
    Math.ceil(tags.length / TAGS_PER_REQUEST),
    Math.ceil(metrics.length / METRICS_PER_REQUEST),
  );
  return Array.from({ length: count }, (_, part) => ({
    params: params.slice(part * PARAMS_PER_REQUEST, (part + 1) * PARAMS_PER_REQUEST),
    tags: tags.slice(part * TAGS_PER_REQUEST, (part + 1) * TAGS_PER_REQUEST),
    metrics: metrics.slice(part * METRICS_PER_REQUEST, (part + 1) * METRICS_PER_REQUEST),
  }));
}
