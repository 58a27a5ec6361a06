import type {
  DatasetName,
  DatasetSummary,
  EvaluationDataset,
  Experiment,
  Metric,
  ModelOutput,
  Param,
  Run,
  RunInfo,
  RunInputs,
  RunLinks,
  RunStatus,
  Tag,
} from '../core/entities.ts';
import type { LoggedModel, LoggedModelStatus } from '../core/logged-model.ts';
import type { Page, PageRequest } from '../core/page.ts';

export interface NewExperiment {
  readonly name: string;
  /** Where its runs' artifacts go; absent: below the store's artifact root. */
  readonly artifactLocation?: string;
  readonly tags?: readonly Tag[];
}

export interface NewRun {
  readonly experimentId: string;
  readonly userId: string;
  readonly startTimeMs: number;
  readonly tags: readonly Tag[];
  /** Absent: the `mlflow.runName` tag, else a name that MLflow would make up (`bold-fox-123`). */
  readonly runName?: string;
}

export interface RunUpdate {
  readonly status?: RunStatus;
  readonly endTimeMs?: number;
  readonly runName?: string;
}

/** Whether deleted ones are shown: MLflow's `ViewType`. */
export type View = 'active_only' | 'deleted_only' | 'all';

/** `filter` and `orderBy` in MLflow's own language; absent: all, the newest first. */
export interface ExperimentSearch extends PageRequest {
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
  readonly view: View;
}

export interface RunSearch extends ExperimentSearch {
  readonly experimentIds: readonly string[];
  /** For lists that show no more: params, tags and metrics may be left out of what is found. */
  readonly isInfoEnough?: boolean;
}

/** Evaluation datasets of these experiments; without `orderBy` the newest come first. */
export interface DatasetSearch extends PageRequest {
  readonly experimentIds: readonly string[];
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
}

/** A search to its end; `maxResults` is how many at most, absent: all. */
export interface RunScan extends Omit<RunSearch, 'maxResults' | 'pageToken'> {
  readonly maxResults?: number | undefined;
}

export interface RunData {
  readonly params?: readonly Param[];
  readonly tags?: readonly Tag[];
  readonly metrics?: readonly Metric[];
}

export interface NewLoggedModel {
  readonly experimentId: string;
  /** Absent: a name that MLflow would make up. */
  readonly name?: string | undefined;
  /** The run that makes it. */
  readonly sourceRunId?: string | undefined;
  readonly modelType?: string | undefined;
  readonly tags?: readonly Tag[];
  readonly params?: readonly Param[];
}

/** One key of an order; `dataset` narrows down which values of a metric count. */
export interface LoggedModelOrder {
  /** An attribute, or `metrics.NAME`. */
  readonly field: string;
  readonly isAscending: boolean;
  readonly dataset?: Partial<DatasetName> | undefined;
}

/** `filter` in MLflow's own language; without `orderBy` the newest come first. */
export interface LoggedModelSearch extends PageRequest {
  readonly experimentIds: readonly string[];
  readonly filter?: string | undefined;
  /** Only models that were measured on one of these; its metrics are what the filter sees. */
  readonly datasets?: readonly DatasetChoice[];
  readonly orderBy?: readonly LoggedModelOrder[];
}

/** A dataset by its name, of any content where `digest` is absent. */
export type DatasetChoice = Pick<DatasetName, 'name'> & Partial<DatasetName>;

/**
 * The models that runs have logged (MLflow 3). Deleted ones are found by their id only where that is
 * asked for, and by no search; they can still be changed.
 *
 * Every method throws `NotFound` for unknown ids, `InvalidInput` for what MLflow refuses, `Unavailable`
 * when the store cannot be reached.
 */
export interface LoggedModelStore {
  /** A new model is PENDING, until `finalize` says how its upload ended. */
  create(model: NewLoggedModel): Promise<LoggedModel>;
  get(modelId: string, options?: { readonly findsDeleted?: boolean }): Promise<LoggedModel>;
  finalize(modelId: string, status: LoggedModelStatus): Promise<LoggedModel>;
  /** Marks it as deleted, which it may be already. */
  delete(modelId: string): Promise<void>;
  setTags(modelId: string, tags: readonly Tag[]): Promise<void>;
  /** @throws NotFound where the model has no such tag. */
  deleteTag(modelId: string, key: string): Promise<void>;
  /** All or nothing. A param that exists with another value is refused. */
  logParams(modelId: string, params: readonly Param[]): Promise<void>;
  search(search: LoggedModelSearch): Promise<Page<LoggedModel>>;
}

/**
 * What belongs to GenAI: evaluation datasets, and traces of runs. In a folder every method throws
 * MltsError (NOT_IMPLEMENTED): MLflow keeps them in databases only.
 */
export interface GenAiStore {
  searchDatasets(search: DatasetSearch): Promise<Page<EvaluationDataset>>;
  /** Up to 100; those that are linked to the run already stay so. @throws NotFound for an unknown run. */
  linkTraces(runId: string, traceIds: readonly string[]): Promise<void>;
}

/**
 * Where experiments and runs live. Each implementation keeps MLflow's data as MLflow 3.17 keeps it
 * (`mlflow/store/tracking/abstract_store.py`), so that Python's client reads what is written here.
 *
 * Every method throws `NotFound` for unknown ids, `InvalidInput` for what MLflow refuses,
 * `AlreadyExists` for a name in use, `Unavailable` when the store cannot be reached.
 */
export interface TrackingStore {
  /** The address that a child process on this machine is given as MLFLOW_TRACKING_URI. */
  readonly uri: string;
  readonly genAi: GenAiStore;
  readonly loggedModels: LoggedModelStore;
  getExperiment(experimentId: string): Promise<Experiment>;
  getExperimentByName(name: string): Promise<Experiment | undefined>;
  /** Returns the new experiment's id. */
  createExperiment(experiment: NewExperiment): Promise<string>;
  /** @throws MltsError (INVALID_STATE) where it is deleted. */
  renameExperiment(experimentId: string, name: string): Promise<void>;
  /** Marks it and its runs as deleted. @throws NotFound where it is deleted already. */
  deleteExperiment(experimentId: string): Promise<void>;
  /** Brings back a deleted one with its runs. @throws NotFound where it is not deleted. */
  restoreExperiment(experimentId: string): Promise<void>;
  setExperimentTag(experimentId: string, tag: Tag): Promise<void>;
  /** @throws NotFound where the experiment has no such tag. */
  deleteExperimentTag(experimentId: string, key: string): Promise<void>;
  createRun(run: NewRun): Promise<Run>;
  getRun(runId: string): Promise<Run>;
  /**
   * All or nothing, as MLflow's log-batch. A param that exists with another value is refused, and a metric
   * of an unknown logged model.
   */
  logBatch(runId: string, data: RunData): Promise<void>;
  updateRun(runId: string, update: RunUpdate): Promise<RunInfo>;
  /** Marks it as deleted, which it may be already. */
  deleteRun(runId: string): Promise<void>;
  /** Brings it back, which may be unnecessary. */
  restoreRun(runId: string): Promise<void>;
  /** @throws NotFound where the run has no such tag. */
  deleteTag(runId: string, key: string): Promise<void>;
  /** All values logged under a key, in the store's own order; none where there is no such key. */
  getMetricHistory(runId: string, key: string, page: PageRequest): Promise<Page<Metric>>;
  searchExperiments(search: ExperimentSearch): Promise<Page<Experiment>>;
  /** Runs of these experiments; ids that are none find nothing. */
  searchRuns(search: RunSearch): Promise<Page<Run>>;
  /**
   * All runs that a search finds, some at a time; the first part comes even where it is empty. But for a
   * server, which is asked page by page, it is what was found at the beginning: what others add or end
   * meanwhile neither doubles a run nor hides one.
   */
  scanRuns(scan: RunScan): AsyncIterable<readonly Run[]>;
  /** The datasets and models that went into a run and came out of it. */
  getRunLinks(runId: string): Promise<RunLinks>;
  /** Those of many runs by their ids; a run that has none, or is not there, may be left out. */
  getLinksOfRuns(runIds: readonly string[]): Promise<ReadonlyMap<string, RunLinks>>;
  /** The datasets of these experiments' runs, deleted ones too: each once for each use, 1000 at most. */
  summarizeDatasets(experimentIds: readonly string[]): Promise<readonly DatasetSummary[]>;
  /** What is an input already stays as it is. */
  logInputs(runId: string, inputs: Partial<RunInputs>): Promise<void>;
  /** What is an output already stays as it is. */
  logOutputs(runId: string, models: readonly ModelOutput[]): Promise<void>;
  close(): Promise<void>;
}
