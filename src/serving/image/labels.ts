import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { LocalModel } from '../../models/local-model.ts';

/** What the labels of its image say of a model, in the names of the Open Container Initiative and in MLflow's. */
export function labelModel({
  file,
  registered,
  folder,
}: LocalModel): Readonly<Record<string, string>> {
  const { modelId, runId, mlflowVersion, signature } = file;
  const labels = {
    'org.opencontainers.image.title': registered?.name ?? basename(folder),
    'org.opencontainers.image.version': registered?.version,
    'mlflow.model.name': registered?.name,
    'mlflow.model.version': registered?.version,
    'mlflow.model.id': modelId,
    'mlflow.run.id': runId,
    'mlflow.version': mlflowVersion,
    'mlflow.model.signature':
      signature === undefined ? undefined : `sha256:${digest(JSON.stringify(signature))}`,
  };
  return Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
