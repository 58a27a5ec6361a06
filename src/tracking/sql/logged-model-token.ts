import { isDeepStrictEqual } from 'node:util';
import { InvalidInput } from '../../core/errors.ts';
import { dumpPythonJson } from '../../core/python-json.ts';
import { parsePageToken } from '../../search/page-token.ts';
import type { LoggedModelSearch } from '../store.ts';

type Asked = Pick<LoggedModelSearch, 'experimentIds' | 'filter' | 'orderBy'>;

/**
 * Names the next page, and what was searched for, as MLflow's databases do
 * (`mlflow/utils/search_utils.py`, `SearchLoggedModelsPaginationToken`): its tokens and ours can take each other's place.
 */
export function createModelToken(asked: Asked, offset: number): string {
  return Buffer.from(dumpPythonJson({ ...describe(asked), offset })).toString('base64');
}

/** @throws InvalidInput for what is no token, and for one of another search, whose pages are not those of this one. */
export function parseModelToken(token: string | undefined, asked: Asked): number {
  const offset = parsePageToken(token);
  if (!token) return offset;
  const named = JSON.parse(Buffer.from(token, 'base64').toString('utf8')) as object;
  for (const [name, value] of Object.entries(describe(asked))) {
    if (isDeepStrictEqual((named as Record<string, unknown>)[name] ?? null, value)) continue;
    throw new InvalidInput(`the page token is of a search with another \`${name}\``, {
      hint: 'ask for each page as for the first one, but for the token',
    });
  }
  return offset;
}

function describe({ experimentIds, filter, orderBy = [] }: Asked) {
  const orders = orderBy.map(({ field, isAscending, dataset }) => ({
    field_name: field,
    ascending: isAscending,
    dataset_name: dataset?.name ?? null,
    dataset_digest: dataset?.digest ?? null,
  }));
  return {
    experiment_ids: [...experimentIds],
    filter_string: filter || null,
    order_by: orders.length === 0 ? null : orders,
  };
}
