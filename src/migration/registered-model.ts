import { basename, join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import {
  listFilesIn,
  listFolders,
  type Meta,
  readMetaFile,
  readValue,
  toColumn,
  toText,
} from './folder.ts';
import type { Load } from './load.ts';
import { isWhole } from './metrics.ts';

/** A registered model with its versions (`mlflow/store/fs2db/_registry.py`). @throws InvalidInput, MltsError. */
export function insertRegisteredModel(load: Load, folder: string): void {
  const meta = readMetaFile(folder);
  const name = toText(meta, 'name', basename(folder));
  const isNew = load.insert('registered_models', {
    name,
    creation_time: toColumn(meta, 'creation_timestamp') ?? load.nowMs,
    last_updated_time: toColumn(meta, 'last_updated_timestamp'),
    description: toColumn(meta, 'description'),
  });
  if (!isNew) throw new InvalidInput(`another folder holds model \`${name}\` too`);
  load.insertValues('registered_model_tags', join(folder, 'tags'), (key, value) => ({
    name,
    key,
    value,
  }));
  for (const version of listFolders(folder).filter((entry) => entry.startsWith('version-'))) {
    load.attempt(join(folder, version), () => insertVersion(load, join(folder, version), name));
  }
  for (const alias of listFilesIn(join(folder, 'aliases'))) {
    const path = join(folder, 'aliases', alias);
    load.attempt(path, () => insertAlias(load, path, name));
  }
}

function insertVersion(load: Load, folder: string, name: string): void {
  const meta = readMetaFile(folder);
  const text = toText(meta, 'version');
  if (!isWhole(text)) throw new InvalidInput(`its version is \`${text}\``);
  const version = Number(text);
  if (!load.insert('model_versions', { name, version, ...toColumns(meta, load.nowMs) })) {
    throw new InvalidInput(`another folder holds version ${version} too`);
  }
  load.insertValues('model_version_tags', join(folder, 'tags'), (key, value) => ({
    name,
    version,
    key,
    value,
  }));
}

function toColumns(meta: Meta, nowMs: number) {
  return {
    creation_time: toColumn(meta, 'creation_timestamp') ?? nowMs,
    last_updated_time: toColumn(meta, 'last_updated_timestamp'),
    description: toColumn(meta, 'description'),
    user_id: toColumn(meta, 'user_id'),
    current_stage: toText(meta, 'current_stage', 'None'),
    source: toColumn(meta, 'source'),
    storage_location: toColumn(meta, 'storage_location'),
    run_id: toColumn(meta, 'run_id'),
    run_link: toColumn(meta, 'run_link'),
    status: toText(meta, 'status', 'READY'),
    status_message: toColumn(meta, 'status_message'),
  };
}

function insertAlias(load: Load, path: string, name: string): void {
  const version = readValue(path).trim();
  if (!isWhole(version)) throw new InvalidInput(`\`${version}\` is no version`);
  load.insert('registered_model_aliases', {
    name,
    alias: basename(path),
    version: Number(version),
  });
}
