import { basename, join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { META_FILE } from '../host/meta-file.ts';
import { insertDatasets } from './datasets.ts';
import {
  isFile,
  listFolders,
  listValueFiles,
  type Meta,
  readMetaFile,
  toColumn,
} from './folder.ts';
import type { Load } from './load.ts';
import { insertLoggedModel } from './logged-model.ts';
import { insertRun } from './run.ts';
import { insertTrace, TRACE_FILE } from './trace.ts';

/** Folders in an experiment's folder that are no runs. */
const NO_RUNS: ReadonlySet<string> = new Set(['tags', 'datasets', 'traces', 'models', '.trash']);
const LARGEST_ID = 2n ** 63n - 1n;

/** A run, a trace or a logged model: what is taken along in one go. */
export interface Part {
  readonly folder: string;
  insert(): void;
}

/**
 * Takes an experiment along (`mlflow/store/fs2db/_tracking.py`), and returns its runs, traces and models, none where
 * the experiment itself had to be left behind: no one could see them.
 */
export function insertExperiment(load: Load, folder: string): readonly Part[] {
  let parts: readonly Part[] = [];
  const tellRuns = () => `; left behind with it, runs: ${listRuns(folder).length}`;
  const insert = () => {
    const id = readId(folder);
    insertRow(load, id, readMetaFile(folder));
    load.insertValues('experiment_tags', join(folder, 'tags'), (key, value) => ({
      key,
      value,
      experiment_id: id,
    }));
    const datasets = insertDatasets(load, folder, id);
    parts = [
      ...listRuns(folder).map((run) => ({
        folder: run,
        insert: () => insertRun(load, run, id, datasets),
      })),
      ...listTraces(folder).map((trace) => ({
        folder: trace,
        insert: () => insertTrace(load, trace, id),
      })),
      ...listFolders(join(folder, 'models')).map((name) => {
        const model = join(folder, 'models', name);
        return { folder: model, insert: () => insertLoggedModel(load, model, id) };
      }),
    ];
  };
  load.attempt(folder, insert, tellRuns);
  return parts;
}

function insertRow(load: Load, id: bigint, meta: Meta): void {
  const name = toColumn(meta, 'name') ?? `experiment_${id}`;
  const isNew = load.insert('experiments', {
    experiment_id: id,
    name,
    artifact_location: toColumn(meta, 'artifact_location'),
    lifecycle_stage: toColumn(meta, 'lifecycle_stage') ?? 'active',
    creation_time: toColumn(meta, 'creation_time') ?? load.nowMs,
    last_update_time: toColumn(meta, 'last_update_time') ?? load.nowMs,
  });
  if (!isNew) throw new InvalidInput(`another experiment has its id or its name, \`${name}\``);
}

function readId(folder: string): bigint {
  const id = BigInt(basename(folder));
  if (id > LARGEST_ID) throw new InvalidInput('its id is too large for a database');
  return id;
}

/** A folder without meta.yaml is a run that was never there, unless something was logged to it. */
function listRuns(folder: string): readonly string[] {
  return listFolders(folder)
    .filter((name) => !NO_RUNS.has(name))
    .map((name) => join(folder, name))
    .filter(holdsRun);
}

function holdsRun(folder: string): boolean {
  const logged = ['params', 'metrics', 'tags'].map((name) => join(folder, name));
  return (
    isFile(join(folder, META_FILE)) || logged.some((values) => listValueFiles(values).length > 0)
  );
}

function listTraces(folder: string): readonly string[] {
  return listFolders(join(folder, 'traces'))
    .map((name) => join(folder, 'traces', name))
    .filter((trace) => isFile(join(trace, TRACE_FILE)));
}
