import { join } from 'node:path';
import { stringify } from 'yaml';
import type { LifecycleStage, RunStatus } from '../../core/entities.ts';
import { MltsError } from '../../core/errors.ts';
import { parsePythonMapping } from '../../core/python-mapping.ts';
import { placeFile } from '../../host/file-tree.ts';
import { readTextIfPresent } from '../../host/files.ts';

/** The name of the file that makes a folder an experiment or a run. */
export const META_FILE = 'meta.yaml';

/** A meta.yaml as it is: keys that mlts does not know are kept when it is written again. */
export type Meta = Readonly<Record<string, unknown>>;

/**
 * @throws MltsError for a file that is no YAML mapping. Undefined where there is none: a run or
 * experiment that is being made, or no such thing at all.
 */
export async function readMeta(folder: string): Promise<Meta | undefined> {
  const text = await readTextIfPresent(join(folder, META_FILE));
  if (text === undefined) return undefined;
  const meta = parsePythonMapping(text);
  if (meta !== undefined) return meta;
  throw damagedMeta(folder, 'it holds no YAML mapping');
}

export function damagedMeta(folder: string, why: string): MltsError {
  const path = join(folder, META_FILE);
  return new MltsError('INVALID_STATE', `${path} is damaged: ${why}`, {
    hint: 'mend it by hand, or move its folder out of the store',
  });
}

/** Keys sorted as MLflow does; every text is quoted, since PyYAML takes many a plain word for something else. */
export async function writeMeta(folder: string, meta: Meta): Promise<void> {
  const text = stringify(meta, {
    version: '1.1',
    sortMapEntries: true,
    lineWidth: 0,
    defaultStringType: 'QUOTE_SINGLE',
    defaultKeyType: 'PLAIN',
  });
  await placeFile(join(folder, META_FILE), text, folder);
}

export function readText(meta: Meta, key: string): string {
  const value = meta[key];
  return value === undefined || value === null ? '' : String(value);
}

export function readTimeMs(meta: Meta, key: string): number | undefined {
  const value = meta[key];
  return typeof value === 'bigint' || typeof value === 'number' ? Number(value) : undefined;
}

export function readStage(meta: Meta): LifecycleStage {
  return meta.lifecycle_stage === 'deleted' ? 'deleted' : 'active';
}

/** `mlflow/protos/service.proto`, enum RunStatus: meta.yaml holds the number. */
const STATUS_NUMBERS: Readonly<Record<RunStatus, number>> = {
  RUNNING: 1,
  SCHEDULED: 2,
  FINISHED: 3,
  FAILED: 4,
  KILLED: 5,
};

export function toStatusNumber(status: RunStatus): number {
  return STATUS_NUMBERS[status];
}

export function readStatus(meta: Meta): RunStatus {
  const number = Number(meta.status ?? STATUS_NUMBERS.RUNNING);
  const names = Object.keys(STATUS_NUMBERS) as RunStatus[];
  return names.find((name) => STATUS_NUMBERS[name] === number) ?? 'RUNNING';
}
