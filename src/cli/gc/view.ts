import { showSize } from '../../artifacts/byte-size.ts';
import type { TreeSize } from '../../artifacts/store.ts';
import type { GarbageItem, GarbageKind } from '../../tracking/garbage.ts';
import { type GarbagePlan, nameKind } from '../../tracking/garbage-plan.ts';
import type { Column } from '../output.ts';

/** One thing that would go; `files` and `bytes` are null where nobody could say. */
export interface GarbageRow {
  readonly kind: GarbageKind;
  readonly id: string;
  readonly name: string;
  readonly experiment_id: string;
  readonly deleted_time: number | null;
  readonly artifact_uri: string;
  readonly files: number | null;
  readonly bytes: number | null;
}

export function toGarbageRow(item: GarbageItem, size: TreeSize | undefined): GarbageRow {
  return {
    kind: item.kind,
    id: item.id,
    name: item.name,
    experiment_id: item.experimentId,
    deleted_time: item.deletedAtMs ?? null,
    artifact_uri: item.artifactUri,
    files: size?.files ?? null,
    bytes: size?.sizeBytes ?? null,
  };
}

export const GARBAGE_COLUMNS: readonly Column<GarbageRow>[] = [
  { heading: 'kind', cell: ({ kind }) => nameKind(kind) },
  { heading: 'id', cell: ({ id }) => id },
  { heading: 'name', cell: ({ name }) => name },
  { heading: 'experiment_id', cell: (row) => row.experiment_id },
  { heading: 'deleted', cell: (row) => showTime(row.deleted_time) },
  { heading: 'files', cell: ({ files }) => String(files ?? '?') },
  { heading: 'size', cell: ({ bytes }) => (bytes === null ? '?' : showSize(bytes)) },
];

function showTime(timeMs: number | null): string {
  return timeMs === null || timeMs === 0 ? '' : new Date(timeMs).toISOString();
}

/** `2 runs, 1 experiment`; `nothing`. */
export function countGarbage({ runs, models, experiments, jobs }: GarbagePlan): string {
  const counts = [runs, models, experiments, jobs]
    .filter((items) => items.length > 0)
    .map(
      (items) =>
        `${items.length} ${nameKind(items[0]?.kind ?? 'run')}${items.length === 1 ? '' : 's'}`,
    );
  return counts.length === 0 ? 'nothing' : counts.join(', ');
}

/** `12 files, 3.4 MB`. */
export function describeSize({ files, sizeBytes }: TreeSize): string {
  return `${files} ${files === 1 ? 'file' : 'files'}, ${showSize(sizeBytes)}`;
}

/** What `mlflow gc` prints of each (`mlflow/cli/__init__.py`). */
export function describeGone({ kind, id }: GarbageItem): string {
  const names = { run: 'Run', logged_model: 'Logged model', experiment: 'Experiment', job: 'Job' };
  return `${names[kind]} with ID ${id} has been permanently deleted.`;
}
