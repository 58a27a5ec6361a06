import type { Experiment } from '../../core/entities.ts';
import type { Clause, Order } from '../../search/clause.ts';
import { compareTexts, compareValues, satisfies } from '../../search/comparison.ts';

/** `mlflow/utils/search_utils.py`, `_does_experiment_match_clause`. */
export function matchesExperiment(experiment: Experiment, clauses: readonly Clause[]): boolean {
  return clauses.every((clause) => {
    const value =
      clause.kind === 'tag'
        ? experiment.tags.find(({ key }) => key === clause.key)?.value
        : readAttribute(experiment, clause.key);
    return value === undefined ? clause.comparator === 'IS NULL' : satisfies(value, clause);
  });
}

function readAttribute(experiment: Experiment, key: string): string | number | undefined {
  switch (key) {
    case 'name':
      return experiment.name;
    case 'creation_time':
      return experiment.creationTimeMs;
    case 'last_update_time':
      return experiment.lastUpdateTimeMs;
    default:
      return experiment.id;
  }
}

/** By what is asked for, then by id, the largest first; what is not there comes last. */
export function compareExperiments(a: Experiment, b: Experiment, orders: readonly Order[]): number {
  for (const { key, isAscending } of orders) {
    const [left, right] = [readAttribute(a, key), readAttribute(b, key)];
    if (left === undefined || right === undefined) {
      if (left !== right) return left === undefined ? 1 : -1;
      continue;
    }
    const result = isAscending ? compareValues(left, right) : compareValues(right, left);
    if (result !== 0) return result;
  }
  return compareTexts(b.id, a.id);
}
