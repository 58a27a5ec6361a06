import type { Metric } from '../../core/entities.ts';
import type { LoggedModel, LoggedModelMetric } from '../../core/logged-model.ts';
import type { Clause, Field } from '../../search/clause.ts';
import { compareValues, satisfies } from '../../search/comparison.ts';
import type { DatasetChoice, LoggedModelOrder } from '../store.ts';
import type { ParsedModelOrder } from './logged-model-language.ts';

type Value = string | number | undefined;

/**
 * Whether a model satisfies all clauses, its metrics on the given datasets only
 * (`mlflow/utils/search_utils.py`, `SearchLoggedModelsUtils.filter_logged_models`).
 */
export function matchesLoggedModel(
  model: LoggedModel,
  clauses: readonly Clause[],
  datasets: readonly DatasetChoice[],
): boolean {
  const metrics =
    datasets.length === 0
      ? model.metrics
      : model.metrics.filter((metric) => datasets.some((dataset) => isOn(metric, dataset)));
  if (datasets.length > 0 && metrics.length === 0) return false;
  return clauses.every((clause) => {
    const value = readValue({ ...model, metrics }, clause);
    return value !== undefined && satisfies(value, clause);
  });
}

function readValue(model: LoggedModel, { kind, key }: Field): Value {
  switch (kind) {
    case 'attribute':
      return ATTRIBUTES[key]?.(model);
    case 'metric':
      return model.metrics.find((metric) => metric.key === key)?.value;
    case 'param':
      return model.params.find((param) => param.key === key)?.value;
    default:
      return model.tags.find((tag) => tag.key === key)?.value;
  }
}

const ATTRIBUTES: Readonly<Record<string, (model: LoggedModel) => Value>> = {
  name: ({ name }) => name,
  model_id: ({ id }) => id,
  model_type: ({ modelType }) => modelType,
  status: ({ status }) => status,
  status_message: ({ statusMessage }) => statusMessage,
  source_run_id: ({ sourceRunId }) => sourceRunId,
  artifact_location: ({ artifactUri }) => artifactUri,
  creation_timestamp_ms: ({ creationTimeMs }) => creationTimeMs,
  last_updated_timestamp_ms: ({ lastUpdateTimeMs }) => lastUpdateTimeMs,
};

function isOn({ dataset }: Metric, wanted: NonNullable<LoggedModelOrder['dataset']>): boolean {
  const { name = dataset?.name, digest = dataset?.digest } = wanted;
  return dataset !== undefined && dataset.name === name && dataset.digest === digest;
}

/** What is not there comes last, whichever the direction. */
export function compareLoggedModels(
  a: LoggedModel,
  b: LoggedModel,
  orders: readonly ParsedModelOrder[],
): number {
  for (const order of orders) {
    const [left, right] = [readOrderValue(a, order), readOrderValue(b, order)];
    if (left === undefined || right === undefined) {
      if (left !== right) return left === undefined ? 1 : -1;
      continue;
    }
    const result = order.isAscending ? compareValues(left, right) : compareValues(right, left);
    if (result !== 0) return result;
  }
  return 0;
}

/** Of a metric the latest value counts: by time, then step, then run. */
function readOrderValue(model: LoggedModel, { kind, key, dataset }: ParsedModelOrder): Value {
  if (kind !== 'metric') return readValue(model, { kind, key });
  const metrics = model.metrics.filter((metric) => metric.key === key);
  const counting =
    dataset === undefined ? metrics : metrics.filter((metric) => isOn(metric, dataset));
  return counting.toSorted(compareRecency)[0]?.value;
}

function compareRecency(a: LoggedModelMetric, b: LoggedModelMetric): number {
  return b.timestampMs - a.timestampMs || b.step - a.step || compareValues(a.runId, b.runId);
}
