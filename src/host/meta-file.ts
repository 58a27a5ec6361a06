import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { MltsError } from '../core/errors.ts';
import { parsePythonMapping } from '../core/python-mapping.ts';
import { placeFile } from './file-tree.ts';
import { readTextIfPresent } from './files.ts';

/** The name of the file that makes a folder an experiment, a run or a registered model. */
export const META_FILE = 'meta.yaml';

/** A meta.yaml as it is: keys that mlts does not know are kept when it is written again. */
export type Meta = Readonly<Record<string, unknown>>;

/**
 * @throws MltsError for a file that is no YAML mapping. Undefined where there is none: a run or
 * experiment that is being made, or no such thing at all.
 */
export async function readMeta(folder: string): Promise<Meta | undefined> {
  const text = await readWhenWritten(join(folder, META_FILE));
  if (text === undefined) return undefined;
  const meta = parsePythonMapping(text);
  if (meta !== undefined) return meta;
  throw damagedMeta(folder, 'it holds no YAML mapping');
}

/** Python's client empties a file before it writes it anew: as MLflow does, look again (`_read_yaml`). */
async function readWhenWritten(path: string): Promise<string | undefined> {
  const text = await readTextIfPresent(path);
  if (text !== '') return text;
  await sleep(100);
  return readTextIfPresent(path);
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
