import { access, constants, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidInput, NotFound } from '../core/errors.ts';
import { explainCode } from './file-error.ts';

/** `linked-folder`: a link to a folder. `other`: a link that leads nowhere, a socket, a device. */
export type SourceKind = 'file' | 'folder' | 'linked-folder' | 'other';

/** One thing in a local folder; `path` counts from that folder, with `/` between its parts. */
export interface SourceEntry {
  readonly path: string;
  readonly kind: SourceKind;
  /** Of a file, links followed; else 0. */
  readonly sizeBytes: number;
}

/**
 * Everything below a folder, sorted by path, each folder before what is in it. Links to files are
 * files; links to folders are told and not entered, as `os.walk` does, so that no walk is endless.
 *
 * @throws InvalidInput for a folder that cannot be read.
 */
export async function walkFolder(root: string, below = ''): Promise<readonly SourceEntry[]> {
  const folder = join(root, below);
  const found = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(folder, error);
  });
  const entries: SourceEntry[] = [];
  for (const child of found.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === '' ? child.name : `${below}/${child.name}`;
    const entry = await describeSource(root, path, child.isSymbolicLink());
    entries.push(entry);
    if (entry.kind === 'folder') entries.push(...(await walkFolder(root, path)));
  }
  return entries;
}

async function describeSource(root: string, path: string, isLink: boolean): Promise<SourceEntry> {
  const found = await stat(join(root, path)).catch(() => undefined);
  if (found?.isDirectory())
    return { path, kind: isLink ? 'linked-folder' : 'folder', sizeBytes: 0 };
  if (!found?.isFile()) return { path, kind: 'other', sizeBytes: 0 };
  await checkReadable(join(root, path));
  return { path, kind: 'file', sizeBytes: found.size };
}

/** What one path is, links followed. @throws NotFound, and InvalidInput where it cannot be looked at. */
export async function describePath(path: string): Promise<SourceEntry> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw unreadable(path, error);
    throw new NotFound(`no such file or folder: ${path}`, {
      hint: 'a relative path counts from the folder in which mlts was started',
    });
  });
  if (found.isDirectory()) return { path, kind: 'folder', sizeBytes: 0 };
  await checkReadable(path);
  return { path, kind: found.isFile() ? 'file' : 'other', sizeBytes: found.size };
}

/** Told before anything is sent. */
async function checkReadable(path: string): Promise<void> {
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw unreadable(path, error);
  });
}

function unreadable(path: string, cause: unknown): InvalidInput {
  return new InvalidInput(`cannot read ${path}: ${explainCode(cause)}`, { cause });
}
