import { InvalidInput } from '../../core/errors.ts';

/** What one search may ask for (`mlflow/store/tracking/__init__.py`). */
const MOST_RESULTS = 50_000;
const DEFAULT_RESULTS = 1_000;

export interface PageRequest {
  readonly maxResults?: number | undefined;
  readonly pageToken?: string | undefined;
}

/** Which rows of an ordered answer make up a page. */
export interface PageRange {
  readonly offset: number;
  readonly limit: number;
}

/** @throws InvalidInput for a token that is none, and for a number of results that MLflow refuses. */
export function readPageRange({ maxResults = DEFAULT_RESULTS, pageToken }: PageRequest): PageRange {
  if (!Number.isInteger(maxResults) || maxResults < 1 || maxResults > MOST_RESULTS) {
    throw new InvalidInput(`${maxResults} results cannot be asked for at once`, {
      hint: `ask for 1 to ${MOST_RESULTS}, and for the next page by its token`,
    });
  }
  return { offset: parsePageToken(pageToken), limit: maxResults };
}

/**
 * Cuts `rows`, of which one more than the page holds was read, and names the page after it
 * (`mlflow/utils/search_utils.py`, `create_page_token`): MLflow and mlts take each other's tokens.
 */
export function cutPage<Row>(
  rows: readonly Row[],
  { offset, limit }: PageRange,
): { readonly rows: readonly Row[]; readonly nextPageToken: string | undefined } {
  if (rows.length <= limit) return { rows, nextPageToken: undefined };
  return { rows: rows.slice(0, limit), nextPageToken: createPageToken(offset + limit) };
}

function createPageToken(offset: number): string {
  return Buffer.from(`{"offset": ${offset}}`).toString('base64');
}

function parsePageToken(token: string | undefined): number {
  if (!token) return 0;
  const offset = readOffset(Buffer.from(token, 'base64').toString());
  if (Number.isSafeInteger(offset) && offset > 0) return offset;
  throw new InvalidInput(`\`${token}\` is no page token`, {
    hint: 'take it from the answer to the search before, and change nothing else',
  });
}

function readOffset(text: string): number {
  try {
    return Number((JSON.parse(text) as { readonly offset?: unknown } | null)?.offset);
  } catch {
    return Number.NaN;
  }
}
