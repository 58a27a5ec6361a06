import type { Tag } from '../core/entities.ts';
import type { Clause, Order } from '../search/clause.ts';
import { compareTexts, compareValues, satisfies } from '../search/comparison.ts';
import { PROMPT_TAG, type PromptFilter } from './prompt-filter.ts';

/** What a filter can ask of a model or a version, as MLflow names it. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

export interface Searched {
  readonly attributes: Attributes;
  readonly tags: readonly Tag[];
}

/** What is not there satisfies nothing (`mlflow/utils/search_utils.py`, `_does_model_version_match_clauses`). */
export function matches(
  { attributes, tags }: Searched,
  { clauses, leavesOutPrompts }: PromptFilter,
): boolean {
  if (leavesOutPrompts && readTag(tags, PROMPT_TAG) === 'true') return false;
  return clauses.every((clause) => {
    const value = clause.kind === 'tag' ? readTag(tags, clause.key) : attributes[clause.key];
    return value !== undefined && satisfies(value, clause);
  });
}

/** Whether a model's name alone can satisfy a filter; all else of it need not be read then. */
export function mayMatchName(name: string, clauses: readonly Clause[]): boolean {
  return clauses
    .filter(({ kind, key }) => kind === 'attribute' && key === 'name')
    .every((clause) => satisfies(name, clause));
}

/** By what is asked for, then by name, then by version, the newest first; what is not there comes last. */
export function compareSearched(a: Attributes, b: Attributes, orders: readonly Order[]): number {
  for (const { key, isAscending } of orders) {
    const [left, right] = [a[key], b[key]];
    if (left === undefined || right === undefined) {
      if (left !== right) return left === undefined ? 1 : -1;
      continue;
    }
    const result = isAscending ? compareValues(left, right) : compareValues(right, left);
    if (result !== 0) return result;
  }
  const byName = compareTexts(String(a.name), String(b.name));
  return byName || Number(b.version_number ?? 0) - Number(a.version_number ?? 0);
}

function readTag(tags: readonly Tag[], wanted: string): string | undefined {
  return tags.find(({ key }) => key === wanted)?.value;
}
