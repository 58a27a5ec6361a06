import type { Kysely } from 'kysely';
import type { Metric } from '../../core/entities.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { createPageToken, parsePageToken } from '../../search/page-token.ts';
import { whileWanted } from '../../sql/connection.ts';
import type { Tables } from '../../sql/tables.ts';
import { toMetric } from './rows.ts';

/** By time, step and value, as `mlflow/store/tracking/sqlalchemy_store.py` orders them. */
export async function readMetricHistory(
  database: Kysely<Tables>,
  runId: string,
  key: string,
  page: PageRequest,
): Promise<Page<Metric>> {
  const { maxResults, pageToken } = page;
  const offset = parsePageToken(pageToken);
  const rows = await database
    .selectFrom('metrics')
    // Not its key and run, which are the same in each of very many rows.
    .select(['value', 'timestamp', 'step', 'is_nan'])
    .where('run_uuid', '=', runId)
    .where('key', '=', key)
    .orderBy('timestamp')
    .orderBy('step')
    .orderBy('value')
    .offset(offset)
    .limit(maxResults + 1)
    .execute(whileWanted(page));
  return {
    items: rows.slice(0, maxResults).map((row) => toMetric({ key, ...row })),
    nextPageToken: rows.length > maxResults ? createPageToken(offset + maxResults) : undefined,
  };
}
