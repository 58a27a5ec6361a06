import type { ArtifactEntry } from '../../artifacts/store.ts';
import { formatPythonJson } from '../../core/python-json.ts';
import type { Column } from '../output.ts';

/** MLflow's `FileInfo`; a folder has no size. */
export interface ArtifactJson {
  readonly path: string;
  readonly is_dir: boolean;
  readonly file_size?: number;
}

export function toArtifactJson({ path, isDirectory, sizeBytes }: ArtifactEntry): ArtifactJson {
  const size = isDirectory || sizeBytes === undefined ? {} : { file_size: sizeBytes };
  return { path, is_dir: isDirectory, ...size };
}

/**
 * As `mlflow artifacts list` prints it: each entry on lines of its own, one list around them, and an
 * empty file without its size (`mlflow/entities/file_info.py`).
 */
export function renderArtifactsJson(rows: readonly ArtifactJson[]): string {
  const entries = rows.map(({ file_size: size, ...row }) =>
    formatPythonJson(size ? { ...row, file_size: size } : row, 2),
  );
  return `[${entries.join(', ')}]`;
}

export const ARTIFACT_COLUMNS: readonly Column<ArtifactJson>[] = [
  { heading: 'path', cell: ({ path }) => path },
  { heading: 'is_dir', cell: ({ is_dir }) => String(is_dir) },
  { heading: 'file_size', cell: ({ file_size }) => String(file_size ?? '') },
];
