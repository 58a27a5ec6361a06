import type { EvaluationDataset } from '../../core/entities.ts';
import type { Page } from '../../core/page.ts';
import { formatPythonJson } from '../../core/python-json.ts';
import { renderMlflowTable } from '../mlflow-table.ts';
import { formatLocalTime, nameTimeZone } from '../runs/local-time.ts';

const HEADERS = ['Dataset ID', 'Name', 'Created', 'Last Updated', 'Created By'];

/** As `mlflow datasets list` prints it (`mlflow/cli/datasets.py`). */
export function renderDatasetTable({ items, nextPageToken }: Page<EvaluationDataset>): string {
  const zone = nameTimeZone();
  const showTime = (timeMs: number | undefined) =>
    timeMs ? `${formatLocalTime(timeMs)} ${zone}` : '';
  const rows = items.map(({ id, name, createdTimeMs, lastUpdateTimeMs, createdBy = '' }) => {
    return [id, name, showTime(createdTimeMs), showTime(lastUpdateTimeMs), createdBy];
  });
  const table = renderMlflowTable(HEADERS, rows);
  return nextPageToken === undefined ? table : `${table}\n\nNext page token: ${nextPageToken}`;
}

/** From a server, MLflow's own client gets an empty text where there is no further page. */
export function renderDatasetJson(
  { items, nextPageToken }: Page<EvaluationDataset>,
  isFromServer: boolean,
): string {
  const datasets = items.map((dataset) => ({
    dataset_id: dataset.id,
    name: dataset.name,
    digest: dataset.digest ?? null,
    created_time: dataset.createdTimeMs ?? null,
    last_update_time: dataset.lastUpdateTimeMs ?? null,
    created_by: dataset.createdBy ?? null,
    last_updated_by: dataset.lastUpdatedBy ?? null,
    tags: Object.fromEntries(dataset.tags.map(({ key, value }) => [key, value])),
  }));
  const token = nextPageToken ?? (isFromServer ? '' : null);
  return formatPythonJson({ datasets, next_page_token: token }, 2);
}
