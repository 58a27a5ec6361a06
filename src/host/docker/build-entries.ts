import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, link, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readFileUpTo } from '../file-transfer.ts';
import { readDockerignore } from './build-context.ts';

/** One file of a build context. */
export interface BuildEntry {
  /** In the context, with `/`. */
  readonly path: string;
  readonly content: { readonly text: string } | FileContent;
  readonly isExecutable?: boolean;
}

interface FileContent {
  readonly file: string;
  /** It is replaced, never written to: its place may be one more name of it. */
  readonly isConstant?: boolean;
}

/** The files of a folder below `target`, sorted, its `.dockerignore` honoured; links are followed to files. */
export async function listFolderEntries(
  folder: string,
  target: string,
): Promise<readonly BuildEntry[]> {
  const isIgnored = await readDockerignore(folder);
  const found = await readdir(folder, { withFileTypes: true, recursive: true });
  const entries: BuildEntry[] = [];
  for (const entry of found) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isDirectory() || isIgnored(file)) continue;
    const status = await stat(file).catch(() => undefined);
    if (status?.isFile() !== true) continue;
    const path = `${target}/${relative(folder, file)}`;
    entries.push({ path, content: { file }, isExecutable: (status.mode & 0o100) !== 0 });
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * A tar stream of them. Owners, times and all of the mode but its `x` are left out, so that the same files
 * are the same layer wherever and whenever they were written.
 */
export async function packEntries(entries: readonly BuildEntry[]): Promise<Readable> {
  const { default: tar } = await import('tar-stream');
  const pack = tar.pack();
  const add = async (): Promise<void> => {
    for (const entry of entries) {
      const common = { name: entry.path, mode: modeOf(entry), mtime: new Date(0) };
      if ('text' in entry.content) pack.entry(common, entry.content.text);
      else await addFile(pack, entry.content.file, common);
    }
    pack.finalize();
  };
  add().catch((error: unknown) => pack.destroy(error as Error));
  return pack;
}

async function addFile(
  pack: import('tar-stream').Pack,
  file: string,
  header: import('tar-stream').Headers,
): Promise<void> {
  const { size } = await stat(file);
  // Not beyond the size that the header promises, should the file grow meanwhile.
  if (size === 0) pack.entry(header, '');
  else await pipeline(readFileUpTo(file, size), pack.entry({ ...header, size }));
}

/** `sha256:...`: another one when any path, mode or byte is another one. */
export async function digestEntries(entries: readonly BuildEntry[]): Promise<string> {
  const whole = createHash('sha256');
  for (const entry of entries) {
    whole.update(JSON.stringify([entry.path, modeOf(entry), await digestContent(entry)]));
  }
  return `sha256:${whole.digest('hex')}`;
}

async function digestContent({ content }: BuildEntry): Promise<string> {
  const hash = createHash('sha256');
  if ('text' in content) return hash.update(content.text).digest('hex');
  await pipeline(createReadStream(content.file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** Writes them below a folder. */
export async function writeEntries(entries: readonly BuildEntry[], folder: string): Promise<void> {
  const folders = new Set(entries.map(({ path }) => dirname(join(folder, path))));
  for (const path of folders) await mkdir(path, { recursive: true });
  const { default: mapAll } = await import('p-map');
  const write = async (entry: BuildEntry): Promise<void> => {
    const path = join(folder, entry.path);
    if ('text' in entry.content) await writeFile(path, entry.content.text);
    else await place(entry.content, path);
    await chmod(path, modeOf(entry));
  };
  await mapAll(entries, write, { concurrency: 16 });
}

/** A second name costs nothing, where both places are on one disk. */
async function place({ file, isConstant }: FileContent, path: string): Promise<void> {
  const isLinked =
    isConstant === true &&
    (await link(file, path).then(
      () => true,
      () => false,
    ));
  if (!isLinked) await copyFile(file, path);
}

function modeOf({ isExecutable }: BuildEntry): number {
  return isExecutable === true ? 0o755 : 0o644;
}
