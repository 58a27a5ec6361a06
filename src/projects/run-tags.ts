import type { Tag } from '../core/entities.ts';
import type { ProjectSource } from './sources/source.ts';

/** The one backend there is. */
export const BACKEND_TAG: Tag = { key: 'mlflow.project.backend', value: 'local' };

/** What the tags of a new run are made from. */
export interface RunOrigin {
  readonly source: ProjectSource;
  readonly entryPoint: string;
  readonly user: string;
  readonly runName: string | undefined;
  readonly parentRunId: string | undefined;
}

/**
 * The tags with which MLflow creates the run of a project (`mlflow/projects/utils.py`, `_create_run`;
 * names in `mlflow/utils/mlflow_tags.py`), and `mlflow.source.git.dirty` where the working tree
 * differs from the commit: MLflow leaves it out for projects.
 */
export function createRunTags({
  source,
  entryPoint,
  user,
  runName,
  parentRunId,
}: RunOrigin): Tag[] {
  const tags: Record<string, string | undefined> = {
    'mlflow.user': user,
    'mlflow.source.name': source.name,
    'mlflow.source.type': 'PROJECT',
    'mlflow.project.entryPoint': entryPoint,
    [BACKEND_TAG.key]: BACKEND_TAG.value,
    'mlflow.source.git.commit': source.commit,
    'mlflow.source.git.dirty': source.commit !== undefined && source.isDirty ? 'true' : undefined,
    'mlflow.source.git.repoURL': source.repositoryUrl,
    'mlflow.source.git.branch': source.branch,
    'mlflow.parentRunId': parentRunId,
    'mlflow.runName': runName,
  };
  return Object.entries(tags).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value }],
  );
}
