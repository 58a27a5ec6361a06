import type { Run } from '../../core/entities.ts';
import { compareTexts } from '../../search/comparison.ts';
import { renderMlflowTable } from '../mlflow-table.ts';
import { formatLocalTime, nameTimeZone } from './local-time.ts';

/** The newest first, runs of one second by their names backwards, as `mlflow/runs.py` sorts them. */
export function renderRunList(runs: readonly Run[]): string {
  const zone = nameTimeZone();
  const rows = runs.map(({ info }) => [
    info.startTimeMs === undefined ? '' : `${formatLocalTime(info.startTimeMs)} ${zone}`,
    info.name,
    info.id,
  ]);
  rows.sort((a, b) => compareTexts(b.join('\0'), a.join('\0')));
  return renderMlflowTable(['Date', 'Name', 'ID'], rows);
}
