import { posix } from 'node:path';
import { InvalidInput, NotFound } from '../core/errors.ts';
import { copyWhole } from '../host/file-placement.ts';
import { removeTree } from '../host/file-removal.ts';
import { describeFolder, readFileFrom, sizeOfFile } from '../host/file-transfer.ts';
import { makeFolder } from '../host/folders.ts';
import { joinPath, tooMuchToDelete } from './artifact-uri.ts';
import type { ArtifactStore } from './store.ts';

/** A file on its way in; MLflow hides what starts so too (`local_artifact_repo.py`). */
export const PARTIAL_PREFIX = '.artifact.uploading.';

/** Artifacts in a folder of this machine. */
export function openLocalStore(root: string): ArtifactStore {
  return {
    async list(path) {
      const folder = posix.join(root, path);
      const entries = await describeFolder(folder);
      const whole = (entries ?? []).filter(({ name }) => !name.startsWith(PARTIAL_PREFIX));
      return whole.map(({ name, ...entry }) => ({
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
    async write(path, { file, sizeBytes, signal, onBytes }) {
      signal.throwIfAborted();
      if (posix.basename(path).startsWith(PARTIAL_PREFIX)) {
        throw new InvalidInput(`names that start with \`${PARTIAL_PREFIX}\` are reserved: ${path}`);
      }
      await copyWhole(file, posix.join(root, path), PARTIAL_PREFIX);
      onBytes(sizeBytes);
    },
    async delete(path, signal) {
      const target = posix.join(root, path);
      if (target === '/') throw tooMuchToDelete(root);
      return removeTree(target, signal);
    },
    makeFolder: (path) => makeFolder(posix.join(root, path)),
    close: async () => {},
  };
}
