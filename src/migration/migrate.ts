import { basename, join } from 'node:path';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import { NotFound } from '../core/errors.ts';
import { META_FILE } from '../host/meta-file.ts';
import type { NewDatabase } from '../sql/new-database.ts';
import type { EntityCount } from './entity.ts';
import { insertExperiment } from './experiment.ts';
import { isFile, listFolders } from './folder.ts';
import { Load } from './load.ts';
import { insertRegisteredModel } from './registered-model.ts';

export interface MigrationOptions {
  /** The folder that holds the experiments: see `findStoreFolder`. */
  readonly folder: string;
  readonly database: NewDatabase;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** What is being done, in words, again and again. */
  readonly onProgress: (text: string) => void;
  /** Told once for each thing that cannot be taken along. */
  readonly onLeft: (problem: string) => void;
}

export interface MigrationResult {
  readonly counts: readonly EntityCount[];
  /** How many things were left behind, each of them told. */
  readonly left: number;
}

/** `source` itself or its `mlruns`, as `mlflow migrate-filestore` takes it. @throws NotFound where neither holds a store. */
export function findStoreFolder(source: string): string {
  const names = listFolders(source);
  if (names.includes('mlruns')) return join(source, 'mlruns');
  if (names.some((name) => /^\d+$/.test(name) || name === '.trash' || name === 'models')) {
    return source;
  }
  throw new NotFound(`${source} holds no file store: no experiments, no \`mlruns\` folder`, {
    hint: 'name the folder that MLFLOW_TRACKING_URI named, or the one above its mlruns',
  });
}

/**
 * Brings all that a file store holds into a new database (`mlflow/store/fs2db`). Damaged parts are told and
 * left behind; the rest of what they belong to is taken along.
 *
 * @throws Unavailable where the disk fails, MltsError where the database does not hold what it was given.
 */
export async function migrateFolder(options: MigrationOptions): Promise<MigrationResult> {
  const { folder, database } = options;
  const load = new Load(options);
  const breathe = createBreath(options);
  const experiments = listExperiments(load, folder);
  for (const [index, experiment] of experiments.entries()) {
    const where = `experiment ${basename(experiment)} (${index + 1} of ${experiments.length})`;
    const parts = insertExperiment(load, experiment);
    for (const [done, part] of parts.entries()) {
      await breathe(`${where}: run ${done + 1} of ${parts.length}`);
      load.attempt(part.folder, part.insert);
    }
    await breathe(where);
  }
  for (const name of listFolders(join(folder, 'models'))) {
    await breathe(`registered model ${name}`);
    const model = join(folder, 'models', name);
    load.attempt(model, () => insertRegisteredModel(load, model));
  }
  options.onProgress('checking the database');
  database.finish();
  return { counts: load.verify(), left: load.left };
}

const BREATH_MS = 50;

/** Reading blocks the thread: now and then signals and the terminal get it. */
function createBreath({ signal, onProgress }: MigrationOptions): (text: string) => Promise<void> {
  let lastMs = 0;
  return async (text) => {
    if (performance.now() - lastMs < BREATH_MS) return;
    onProgress(text);
    await letOthersRun();
    signal.throwIfAborted();
    lastMs = performance.now();
  };
}

/** Active and deleted ones; their ids are numbers in a database, and any other is told. */
function listExperiments(load: Load, root: string): readonly string[] {
  const folders = [root, join(root, '.trash')].flatMap((parent) =>
    listFolders(parent).map((name) => join(parent, name)),
  );
  const isNumbered = (folder: string) => /^\d+$/.test(basename(folder));
  const hasMeta = (folder: string) => isFile(join(folder, META_FILE));
  for (const folder of folders.filter((other) => !isNumbered(other) && hasMeta(other))) {
    load.leave(`${folder}: a database takes numbers as experiment ids only`);
  }
  return folders
    .filter(isNumbered)
    .filter((folder) => hasMeta(folder) || listFolders(folder).length > 0);
}
