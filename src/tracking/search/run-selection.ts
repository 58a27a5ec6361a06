import type { Run, RunInfo, RunLinks } from '../../core/entities.ts';
import type { Clause, Field, Order } from '../../search/clause.ts';
import { compareTexts, compareValues, satisfies } from '../../search/comparison.ts';

/** A run with what a filter may ask about; the links are read only for filters on datasets. */
export interface Candidate {
  readonly run: Run;
  readonly links: RunLinks | undefined;
}

/** `mlflow/utils/mlflow_tags.py`: says what a run used a dataset for. */
const DATASET_CONTEXT_TAG = 'mlflow.data.context';

/** Whether a run satisfies all clauses (`mlflow/utils/search_utils.py`, `_does_run_match_clause`). */
export function matchesRun({ run, links }: Candidate, clauses: readonly Clause[]): boolean {
  return clauses.every((clause) => {
    if (clause.kind === 'dataset') return matchesDataset(links, clause);
    const value = readValue(run, clause);
    if (value === undefined) return clause.comparator === 'IS NULL';
    return satisfies(value, clause);
  });
}

export function needsLinks(clauses: readonly Clause[]): boolean {
  return clauses.some(({ kind }) => kind === 'dataset');
}

function matchesDataset(links: RunLinks | undefined, clause: Clause): boolean {
  const values = (links?.datasetInputs ?? []).flatMap(({ dataset, tags }) => {
    if (clause.key === 'name') return [dataset.name];
    if (clause.key === 'digest') return [dataset.digest];
    return tags.filter(({ key }) => key === DATASET_CONTEXT_TAG).map(({ value }) => value);
  });
  return values.some((value) => satisfies(value, clause));
}

function readValue(run: Run, { kind, key }: Field): string | number | undefined {
  switch (kind) {
    case 'attribute':
      return ATTRIBUTES[key]?.(run.info);
    case 'metric':
      return run.metrics.find((metric) => metric.key === key)?.value;
    case 'param':
      return run.params.find((param) => param.key === key)?.value;
    case 'tag':
      return run.tags.find((tag) => tag.key === key)?.value;
    case 'dataset':
      return undefined;
  }
}

const ATTRIBUTES: Readonly<Record<string, (info: RunInfo) => string | number | undefined>> = {
  run_id: ({ id }) => id,
  run_name: ({ name }) => name,
  user_id: ({ userId }) => userId,
  status: ({ status }) => status,
  start_time: ({ startTimeMs }) => startTimeMs,
  end_time: ({ endTimeMs }) => endTimeMs,
  artifact_uri: ({ artifactUri }) => artifactUri,
};

/** By what is asked for, then the newest first, then by id (`mlflow/utils/search_utils.py`, `sort`). */
export function compareRuns(a: Run, b: Run, orders: readonly Order[]): number {
  for (const order of orders) {
    const result = compareBy(readValue(a, order), readValue(b, order), order.isAscending);
    if (result !== 0) return result;
  }
  const newest = (b.info.startTimeMs ?? 0) - (a.info.startTimeMs ?? 0);
  return newest || compareTexts(a.info.id, b.info.id);
}

type Value = string | number | undefined;

/** Whichever the direction: values first, then NaN, then what is not there. */
function compareBy(a: Value, b: Value, isAscending: boolean): number {
  const [rankA, rankB] = [rank(a), rank(b)];
  if (rankA !== rankB || a === undefined || b === undefined || rankA > 0) return rankA - rankB;
  return isAscending ? compareValues(a, b) : compareValues(b, a);
}

function rank(value: Value): number {
  if (value === undefined) return 2;
  return Number.isNaN(value) ? 1 : 0;
}
