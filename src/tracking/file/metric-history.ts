import { join } from 'node:path';
import type { Metric } from '../../core/entities.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { readTextIfPresent } from '../../host/files.ts';
import { createPageToken, parsePageToken } from '../../search/page-token.ts';
import { parseMetrics } from './metric-line.ts';

/** In the order in which they were logged, as `mlflow/store/tracking/file_store.py` gives them. */
export async function readMetricHistory(
  runFolder: string,
  key: string,
  { maxResults, pageToken }: PageRequest,
): Promise<Page<Metric>> {
  const text = await readTextIfPresent(join(runFolder, 'metrics', key));
  const metrics = text === undefined ? [] : parseMetrics(key, text);
  const offset = parsePageToken(pageToken);
  const end = offset + maxResults;
  return {
    items: metrics.slice(offset, end),
    nextPageToken: end < metrics.length ? createPageToken(end) : undefined,
  };
}
