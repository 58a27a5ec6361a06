import { InvalidInput } from '../core/errors.ts';
import type { PageRequest } from '../core/page.ts';
import { createPageToken, parsePageToken, type TokenSearch } from './page-token.ts';

/** What one search may ask for (`mlflow/store/tracking/__init__.py`). */
const MOST_RESULTS = 50_000;

/** Which rows of an ordered answer make up a page. */
export interface PageRange {
  readonly offset: number;
  readonly limit: number;
  /** What the token of the next page holds of the search. */
  readonly search?: TokenSearch | undefined;
}

/** @throws InvalidInput for a token that is none of this search, and for a number of results that MLflow refuses. */
export function readPageRange(
  { maxResults, pageToken }: PageRequest,
  mostResults = MOST_RESULTS,
  search?: TokenSearch,
): PageRange {
  if (!Number.isInteger(maxResults) || maxResults < 1 || maxResults > mostResults) {
    throw new InvalidInput(`${maxResults} results cannot be asked for at once`, {
      hint: `ask for 1 to ${mostResults}, and for the next page by its token`,
    });
  }
  return { offset: parsePageToken(pageToken, search), limit: maxResults, search };
}

/** Cuts `rows`, of which one more than the page holds was read where there are more. */
export function cutPage<Row>(
  rows: readonly Row[],
  { offset, limit, search }: PageRange,
): { readonly rows: readonly Row[]; readonly nextPageToken: string | undefined } {
  if (rows.length <= limit) return { rows, nextPageToken: undefined };
  return { rows: rows.slice(0, limit), nextPageToken: createPageToken(offset + limit, search) };
}
