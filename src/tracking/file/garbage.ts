import { basename, join } from 'node:path';
import { unquotePath } from '../../core/artifact-location.ts';
import { InvalidInput } from '../../core/errors.ts';
import { isLink, listNames, removeFolderKeeping } from '../../host/folders.ts';
import { META_FILE, type Meta, readMeta, readText, readTimeMs } from '../../host/meta-file.ts';
import type { GarbageCollector, GarbageItem, GarbageSelection } from '../garbage.ts';
import { checkExperimentId, checkRunId } from '../limits.ts';
import { listExperimentFolders } from './experiments.ts';
import { readStage } from './meta.ts';

type FolderKind = 'run' | 'logged_model' | 'experiment';

interface Found {
  readonly folder: string;
  readonly item: GarbageItem;
}

/** Where an experiment keeps its logged models, each a folder. */
const MODELS_FOLDER = 'models';

/**
 * Forgets what is deleted in a folder of runs (`mlflow/store/tracking/file_store.py`). The meta.yaml of
 * what is removed goes last: where something fails before, doing it again completes it.
 */
export class FileGarbageCollector implements GarbageCollector {
  readonly uri: string;
  readonly #root: string;

  /** `root` is the absolute path of the folder that `uri` names. */
  constructor(root: string, uri: string) {
    this.#root = root;
    this.uri = uri;
  }

  async list(kind: FolderKind, selection: GarbageSelection): Promise<readonly GarbageItem[]> {
    const found = await this.#find(kind, selection);
    const isChosen = ({ item }: Found) => selection.by !== 'stage' || item.stage === 'deleted';
    const items = found.filter(isChosen).map(({ item }) => item);
    return items.toSorted((one, other) => (one.deletedAtMs ?? 0) - (other.deletedAtMs ?? 0));
  }

  async remove({ kind, id }: GarbageItem): Promise<void> {
    const selection = { by: 'ids', ids: [id] } as const;
    for (const { folder, item } of await this.#find(kind as FolderKind, selection)) {
      const what = `${kind.replace('_', ' ')} ${id}`;
      if (item.stage !== 'deleted') throw new InvalidInput(`${what} has been restored meanwhile`);
      if (await isLink(folder)) {
        throw new InvalidInput(`${folder} is a link: what it leads to is not removed`, {
          hint: `remove the link by hand, and with it ${what}`,
        });
      }
      await removeFolderKeeping(folder, META_FILE);
    }
  }

  async close(): Promise<void> {}

  async #find(kind: FolderKind, selection: GarbageSelection): Promise<readonly Found[]> {
    const ids = selection.by === 'ids' ? selection.ids : undefined;
    ids?.forEach(kind === 'experiment' ? checkExperimentId : checkRunId);
    const experiments = await this.#listExperiments(kind, selection);
    const found: Found[] = [];
    for (const experiment of experiments) {
      for (const folder of await listCandidates(kind, experiment, ids)) {
        const item = await readItem(kind, folder, basename(experiment));
        if (item === undefined) continue;
        const artifactUri = followMove(item.artifactUri, this.#root, experiment);
        found.push({ folder, item: { ...item, artifactUri } });
      }
    }
    return found;
  }

  async #listExperiments(kind: FolderKind, selection: GarbageSelection) {
    const folders = await listExperimentFolders(this.#root);
    if (selection.by === 'stage' || (selection.by === 'ids' && kind !== 'experiment')) {
      return folders;
    }
    return folders.filter((folder) => selection.ids.includes(basename(folder)));
  }
}

/** Folders that may be such a thing; with `ids` none is listed, since a folder may hold very many. */
async function listCandidates(
  kind: FolderKind,
  experiment: string,
  ids: readonly string[] | undefined,
): Promise<readonly string[]> {
  if (kind === 'experiment') return [experiment];
  const parent = kind === 'run' ? experiment : join(experiment, MODELS_FOLDER);
  return (ids ?? (await listNames(parent))).map((id) => join(parent, id));
}

/** Undefined for a folder whose meta.yaml is missing, damaged, or that of something else: MLflow passes it over. */
async function readItem(
  kind: FolderKind,
  folder: string,
  experimentId: string,
): Promise<GarbageItem | undefined> {
  const meta = await readMeta(folder).catch(() => undefined);
  if (meta === undefined || readText(meta, 'experiment_id') !== experimentId) return undefined;
  const item = { kind, experimentId, stage: readStage(meta), workspace: 'default' };
  const named = { ...item, ...readNames(kind, meta) };
  return named.id === basename(folder) ? named : undefined;
}

/** Where artifacts lie that moved into the trash with their experiment: what is written down stays as it was. */
function followMove(uri: string, root: string, experiment: string): string {
  const before = join(root, basename(experiment));
  const path = uri.startsWith('file://') ? unquotePath(uri.slice('file://'.length)) : uri;
  const hasMoved = experiment !== before && path.startsWith(`${before}/`);
  return hasMoved ? `${experiment}${path.slice(before.length)}` : uri;
}

/** What meta.yaml says under other names for each kind. One without a time was deleted by an old MLflow. */
function readNames(kind: FolderKind, meta: Meta) {
  switch (kind) {
    case 'run':
      return {
        id: readText(meta, 'run_id') || readText(meta, 'run_uuid'),
        name: readText(meta, 'run_name'),
        deletedAtMs: readTimeMs(meta, 'deleted_time') ?? 0,
        artifactUri: readText(meta, 'artifact_uri'),
      };
    case 'logged_model':
      return {
        id: readText(meta, 'model_id'),
        name: readText(meta, 'name'),
        deletedAtMs: readTimeMs(meta, 'last_updated_timestamp') ?? 0,
        artifactUri: readText(meta, 'artifact_location'),
      };
    case 'experiment':
      return {
        id: readText(meta, 'experiment_id'),
        name: readText(meta, 'name'),
        deletedAtMs: readTimeMs(meta, 'last_update_time'),
        artifactUri: '',
      };
  }
}
