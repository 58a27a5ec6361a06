import type { ModelVersion } from '../../core/model-registry.ts';
import type { Column } from '../output.ts';

/** What a table and CSV show of versions. */
export const VERSION_COLUMNS: readonly Column<ModelVersion>[] = [
  { heading: 'name', cell: ({ name }) => name },
  { heading: 'version', cell: ({ version }) => String(version) },
  { heading: 'current_stage', cell: ({ stage }) => stage },
  { heading: 'aliases', cell: ({ aliases }) => aliases.join(' ') },
  { heading: 'run_id', cell: ({ runId = '' }) => runId },
  { heading: 'source', cell: ({ source = '' }) => source },
  { heading: 'last_updated', cell: ({ lastUpdateTimeMs }) => formatTime(lastUpdateTimeMs) },
];

export function formatTime(timeMs: number | undefined): string {
  return timeMs === undefined ? '' : new Date(timeMs).toISOString();
}
