import { basename, dirname, join } from 'node:path';
import { InvalidInput, MltsError } from '../core/errors.ts';
import { parsePythonMapping } from '../core/python-mapping.ts';
import { readTextBlocking } from '../host/blocking-files.ts';
import { META_FILE } from '../host/meta-file.ts';

/** A YAML mapping as it is in the file; whole numbers are bigint, so that 1 and 1.0 are told apart. */
export type Meta = Readonly<Record<string, unknown>>;

export {
  isFileBlocking as isFile,
  /** Keys of what is kept as one file for each key, a `/` in the key being a folder. */
  listFilesBelowBlocking as listValueFiles,
  listFilesBlocking as listFilesIn,
  listFoldersBlocking as listFolders,
} from '../host/blocking-files.ts';

/** @throws InvalidInput where it cannot be read. */
export function readValue(path: string): string {
  const text = readTextBlocking(path);
  if (text === undefined) throw new InvalidInput(`${path} is gone`);
  return text;
}

/** The folder's meta.yaml. @throws InvalidInput where there is none, MltsError where it is damaged. */
export function readMetaFile(folder: string): Meta {
  return readYaml(join(folder, META_FILE));
}

/** @throws InvalidInput where there is no such file, MltsError where it holds no mapping. */
export function readYaml(path: string): Meta {
  const text = readTextBlocking(path);
  if (text === undefined) {
    throw new InvalidInput(`${dirname(path)} has no ${basename(path)}`);
  }
  const meta = parsePythonMapping(text);
  if (meta === undefined) {
    throw new MltsError('INVALID_STATE', `${path} is damaged: it holds no YAML mapping`);
  }
  return meta;
}

/**
 * A value as MLflow's own migration binds it: numbers and text as they are, a boolean as 0 or 1.
 *
 * @throws InvalidInput for lists and mappings.
 */
export function toColumn(meta: Meta, key: string): string | number | bigint | null {
  const value = meta[key];
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    return value;
  }
  throw new InvalidInput(`its ${key} is neither text nor a number`);
}

/** As `toColumn`, for what is text. */
export function toText(meta: Meta, key: string, otherwise = ''): string {
  return String(toColumn(meta, key) ?? otherwise);
}
