import type { Clause, FilterLanguage } from '../search/clause.ts';
import { parseFilter } from '../search/filter.ts';

/** Prompts are kept as models with this tag; they are found only where they are asked for. */
export const PROMPT_TAG = 'mlflow.prompt.is_prompt';

export interface PromptFilter {
  readonly clauses: readonly Clause[];
  readonly leavesOutPrompts: boolean;
}

/**
 * Reads a filter of models or versions; one that does not ask for prompts leaves them out
 * (`mlflow/prompt/registry_utils.py`, `add_prompt_filter_string`).
 *
 * @throws InvalidInput for a filter that is none.
 */
export function parsePromptFilter(filter: string, language: FilterLanguage): PromptFilter {
  const clauses = parseFilter(filter, language);
  if (asksForPrompts(clauses)) return { clauses, leavesOutPrompts: false };
  return { clauses: clauses.filter((clause) => !isPromptClause(clause)), leavesOutPrompts: true };
}

function isPromptClause({ kind, key }: Clause): boolean {
  return kind === 'tag' && key === PROMPT_TAG;
}

/** The first word on prompts counts (`_is_querying_prompt`). */
function asksForPrompts(clauses: readonly Clause[]): boolean {
  const clause = clauses.find(isPromptClause);
  const value = String(clause?.value).toLowerCase();
  return (
    (clause?.comparator === '=' && value === 'true') ||
    (clause?.comparator === '!=' && value === 'false')
  );
}
