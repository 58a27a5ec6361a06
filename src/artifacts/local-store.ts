import { posix } from 'node:path';
import { NotFound } from '../core/errors.ts';
import { describeFolder, readFileFrom, sizeOfFile } from '../host/file-transfer.ts';
import { joinPath } from './artifact-uri.ts';
import type { ArtifactStore } from './store.ts';

/** Artifacts in a folder of this machine. */
export function openLocalStore(root: string): ArtifactStore {
  return {
    async list(path) {
      const folder = posix.join(root, path);
      const entries = await describeFolder(folder);
      return (entries ?? []).map(({ name, ...entry }) => ({
        ...entry,
        path: joinPath(path, name),
      }));
    },
    async read(path, { offset }) {
      const file = posix.join(root, path);
      const sizeBytes = await sizeOfFile(file);
      if (sizeBytes === undefined) throw new NotFound(`${file} does not exist`);
      return { stream: readFileFrom(file, offset), offset, sizeBytes, version: undefined };
    },
    close: async () => {},
  };
}
