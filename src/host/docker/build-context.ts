import { statSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import type { Readable } from 'node:stream';
import type { Pack } from 'tar-fs';
import { readTextIfPresent } from '../files.ts';

/** What a build may copy: files made on the spot, and a folder as it is. */
export interface BuildContext {
  /** Path in the context to content. */
  readonly files: Readonly<Record<string, string>>;
  readonly folder: { readonly source: string; readonly target: string } | undefined;
}

/**
 * A tar stream of the context. The folder's `.dockerignore` is honoured, as by `docker build`; symbolic
 * links stay links, so nothing outside of the folder gets in.
 */
export async function packBuildContext({ files, folder }: BuildContext): Promise<Readable> {
  const { default: tar } = await import('tar-fs');
  const addFiles = (pack: Pack): void => {
    for (const [name, content] of Object.entries(files)) pack.entry({ name }, content);
    pack.finalize();
  };
  const common = { finalize: false, finish: addFiles };
  if (folder === undefined) return tar.pack('/', { ...common, entries: [] });
  return tar.pack(folder.source, {
    ...common,
    strict: false, // Leave out named pipes and devices.
    readable: true,
    ignore: await readDockerignore(folder.source),
    map: (header) => ({ ...header, name: posix.join(folder.target, header.name), uid: 0, gid: 0 }),
  });
}

/** Tells of each absolute path in the folder whether to leave it out. */
export async function readDockerignore(folder: string): Promise<(path: string) => boolean> {
  const text = await readTextIfPresent(join(folder, '.dockerignore'));
  if (text === undefined) return () => false;
  const { default: dockerignore } = await import('@balena/dockerignore');
  const patterns = text.split(/\r?\n/).filter((line) => !line.startsWith('#'));
  const matcher = dockerignore.default().add(patterns);
  // `!data/keep.csv` may bring back what lies in an ignored folder, so such folders are walked.
  const mayBringBack = patterns.some((line) => line.trim().startsWith('!'));
  return (path) =>
    matcher.ignores(relative(folder, path)) && !(mayBringBack && statSync(path).isDirectory());
}
