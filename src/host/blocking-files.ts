import { isUtf8 } from 'node:buffer';
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { explainCode } from './file-error.ts';

/**
 * For commands that read hundreds of thousands of small files in a row: a promise for each takes several
 * times as long as the reading. The caller lets go of the thread now and then.
 */

/** The file's text. Undefined where there is none. @throws InvalidInput where it cannot be read as UTF-8. */
export function readTextBlocking(path: string): string | undefined {
  const bytes = attempt(path, () => readFileSync(path));
  if (bytes === undefined) return undefined;
  if (!isUtf8(bytes)) throw new InvalidInput(`${path} is not UTF-8 text`);
  return bytes.toString('utf8');
}

/** Whether a file is there, links followed. */
export function isFileBlocking(path: string): boolean {
  return attempt(path, () => statSync(path, { throwIfNoEntry: false })?.isFile()) ?? false;
}

/** Names of the folders in a folder, links followed, sorted; none where there is no such folder. */
export function listFoldersBlocking(path: string): readonly string[] {
  return listBlocking(path)
    .filter((entry) => isKind(path, entry, 'isDirectory'))
    .map(({ name }) => name)
    .sort();
}

/** Names of the files in a folder, links followed, sorted; none where there is no such folder. */
export function listFilesBlocking(path: string): readonly string[] {
  return listBlocking(path)
    .filter((entry) => isKind(path, entry, 'isFile'))
    .map(({ name }) => name)
    .sort();
}

/** As `listFilesBlocking`, with what is in the folders below, `/` between; folders that are links are not entered. */
export function listFilesBelowBlocking(path: string, prefix = ''): readonly string[] {
  const names: string[] = [];
  for (const entry of listBlocking(path)) {
    if (isKind(path, entry, 'isFile')) names.push(prefix + entry.name);
    else if (entry.isDirectory()) {
      names.push(...listFilesBelowBlocking(join(path, entry.name), `${prefix}${entry.name}/`));
    }
  }
  return prefix === '' ? names.sort() : names;
}

function listBlocking(path: string): readonly Dirent[] {
  return attempt(path, () => readdirSync(path, { withFileTypes: true })) ?? [];
}

function isKind(folder: string, entry: Dirent, kind: 'isFile' | 'isDirectory'): boolean {
  if (!entry.isSymbolicLink()) return entry[kind]();
  return statSync(join(folder, entry.name), { throwIfNoEntry: false })?.[kind]() ?? false;
}

function attempt<T>(path: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new InvalidInput(`cannot read ${path}: ${explainCode(error)}`, { cause: error });
  }
}
