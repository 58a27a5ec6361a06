import { join } from 'node:path';
import { listNames } from '../../host/folders.ts';
import { readMeta, readText } from '../../host/meta-file.ts';
import { checkModelName, sourceNotFound } from '../limits.ts';
import type { NewModelVersion } from '../store.ts';
import { requireModel } from './models.ts';
import { readLocation, requireVersionMeta, type VersionOrigin } from './versions.ts';

/**
 * Where the files of a source lie: `models:/NAME/VERSION` and `models:/m-ID` stand for another place.
 *
 * @throws NotFound for a version that is not there, InvalidInput for a `models:` URI of another kind.
 */
export async function findOrigin(root: string, version: NewModelVersion): Promise<VersionOrigin> {
  const { source, location } = version;
  const [, path] = /^models:\/*(.*)$/s.exec(source) ?? [];
  if (path === undefined) return { location: source, runId: null };
  const [, name, number] = /^([^/@]+)\/(\d+)$/.exec(path) ?? [];
  if (name !== undefined) return findVersionOrigin(root, name, Number(number));
  const origin = await findLoggedModel(root, path);
  if (origin !== undefined) return origin;
  if (location !== undefined) return { location, runId: null };
  throw sourceNotFound(source);
}

async function findVersionOrigin(
  root: string,
  name: string,
  version: number,
): Promise<VersionOrigin> {
  const folder = await requireModel(root, checkModelName(name));
  const meta = await requireVersionMeta(folder, name, version);
  return { location: readLocation(meta), runId: null };
}

/** In the experiments beside the registered models (`mlflow/store/tracking/file_store.py`). */
async function findLoggedModel(root: string, modelId: string): Promise<VersionOrigin | undefined> {
  if (!/^[a-zA-Z0-9][\w-]*$/.test(modelId)) return undefined;
  for (const experiment of await listNames(root)) {
    const meta = await readMeta(join(root, experiment, 'models', modelId));
    if (meta === undefined) continue;
    const location = readText(meta, 'artifact_location');
    return { location, runId: readText(meta, 'source_run_id') || null };
  }
  return undefined;
}
