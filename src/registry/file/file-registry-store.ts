import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Tag } from '../../core/entities.ts';
import { MltsError, Unavailable } from '../../core/errors.ts';
import { checkKey } from '../../core/key.ts';
import type { ModelVersion, RegisteredModel } from '../../core/model-registry.ts';
import type { Page } from '../../core/page.ts';
import { explainCode } from '../../host/file-error.ts';
import { placeFile, removeFile } from '../../host/file-tree.ts';
import { withLock } from '../../host/files.ts';
import {
  checkAlias,
  checkFolderName,
  checkNewAlias,
  checkStageChange,
  checkTag,
  versionNotFound,
} from '../limits.ts';
import type {
  NewModelVersion,
  NewRegisteredModel,
  RegistrySearch,
  RegistryStore,
  StageChange,
} from '../store.ts';
import {
  changeModel,
  createModel,
  deleteModel,
  modelFolder,
  readAliases,
  readModel,
  renameModel,
  requireModel,
} from './models.ts';
import { findOrigin } from './origin.ts';
import { searchModels, searchVersions } from './search.ts';
import { deleteVersion, moveVersion } from './stages.ts';
import {
  changeVersion,
  createVersion,
  readLocation,
  readVersion,
  requireVersionMeta,
  versionFolder,
} from './versions.ts';

export interface FileRegistryOptions {
  /** Folder for the locks that let writers come one after the other. */
  readonly lockFolder: string;
  readonly signal: AbortSignal;
  now(): number;
}

/**
 * Registered models as folders of small files (`mlflow/store/model_registry/file_store.py`). Writers of mlts
 * come one after the other; Python's client takes no lock, so that everything appears and goes whole.
 */
export class FileRegistryStore implements RegistryStore {
  readonly #root: string;
  readonly #options: FileRegistryOptions;

  /** `root` is an absolute path; nothing is made before the first write. */
  constructor(root: string, options: FileRegistryOptions) {
    this.#root = root;
    this.#options = options;
  }

  async createModel(model: NewRegisteredModel): Promise<RegisteredModel> {
    checkFolderName(model.name);
    model.tags?.forEach(checkTag);
    await this.#write(() => createModel(this.#root, model, this.#options.now()));
    return this.getModel(model.name);
  }

  async getModel(name: string): Promise<RegisteredModel> {
    checkFolderName(name);
    return this.#read(() => readModel(this.#root, name));
  }

  async searchModels(search: RegistrySearch): Promise<Page<RegisteredModel>> {
    return this.#read(() => searchModels(this.#root, search));
  }

  async renameModel(name: string, newName: string): Promise<void> {
    checkFolderName(name);
    checkFolderName(newName);
    await this.#write(() => renameModel(this.#root, name, newName, this.#options.now()));
  }

  async updateModel(name: string, description: string): Promise<void> {
    await this.#change(name, async () => {}, { description });
  }

  async deleteModel(name: string): Promise<void> {
    checkFolderName(name);
    await this.#write(() => deleteModel(this.#root, name));
  }

  async setModelTag(name: string, tag: Tag): Promise<void> {
    checkTag(tag);
    await this.#change(name, (folder) =>
      placeFile(join(folder, 'tags', tag.key), tag.value, folder),
    );
  }

  async deleteModelTag(name: string, key: string): Promise<void> {
    checkKey('tag', key);
    await this.#change(name, (folder) => removeFile(join(folder, 'tags', key)));
  }

  async setAlias(name: string, alias: string, version: number): Promise<void> {
    checkNewAlias(alias);
    await this.#change(name, async (folder) => {
      await requireVersionMeta(folder, name, version);
      await placeFile(join(folder, 'aliases', alias), String(version), folder);
    });
  }

  async deleteAlias(name: string, alias: string): Promise<void> {
    checkAlias(alias);
    await this.#change(name, (folder) => removeFile(join(folder, 'aliases', alias)));
  }

  async createVersion(version: NewModelVersion): Promise<ModelVersion> {
    version.tags?.forEach(checkTag);
    const number = await this.#change(version.name, async (folder) => {
      const origin = await findOrigin(this.#root, version);
      return createVersion(folder, version, origin, this.#options.now());
    });
    return this.getVersion(version.name, number);
  }

  async getVersion(name: string, version: number): Promise<ModelVersion> {
    const folder = modelFolder(this.#root, checkFolderName(name));
    const found = await this.#read(async () =>
      readVersion(folder, name, version, await readAliases(folder)),
    );
    if (found === undefined) throw versionNotFound(name, version);
    return found;
  }

  async getDownloadUri(name: string, version: number): Promise<string> {
    const folder = modelFolder(this.#root, checkFolderName(name));
    return this.#read(async () => readLocation(await requireVersionMeta(folder, name, version)));
  }

  async searchVersions(search: RegistrySearch): Promise<Page<ModelVersion>> {
    return this.#read(() => searchVersions(this.#root, search));
  }

  async updateVersion(
    name: string,
    version: number,
    description: string | undefined,
  ): Promise<void> {
    checkFolderName(name);
    const change = { description, last_updated_timestamp: this.#options.now() };
    await this.#write(async () =>
      changeVersion(await requireModel(this.#root, name), name, version, change),
    );
  }

  async deleteVersion(name: string, version: number): Promise<void> {
    const nowMs = this.#options.now();
    await this.#change(name, (folder) => deleteVersion(folder, name, version, nowMs));
  }

  async setVersionTag(name: string, version: number, { key, value }: Tag): Promise<void> {
    checkTag({ key, value });
    await this.#change(name, async (folder) => {
      await requireVersionMeta(folder, name, version);
      const own = versionFolder(folder, version);
      await placeFile(join(own, 'tags', key), value, own);
    });
  }

  async deleteVersionTag(name: string, version: number, key: string): Promise<void> {
    checkKey('tag', key);
    await this.#change(name, async (folder) => {
      await requireVersionMeta(folder, name, version);
      await removeFile(join(versionFolder(folder, version), 'tags', key));
    });
  }

  async moveVersion(name: string, version: number, change: StageChange): Promise<ModelVersion> {
    checkStageChange(change);
    const nowMs = this.#options.now();
    await this.#change(name, (folder) => moveVersion(folder, name, version, change, nowMs));
    return this.getVersion(name, version);
  }

  async close(): Promise<void> {}

  /** Runs `work` on the model's folder, then notes the time. @throws NotFound */
  #change<T>(
    name: string,
    work: (folder: string) => Promise<T>,
    change: { readonly description?: string } = {},
  ): Promise<T> {
    checkFolderName(name);
    return this.#write(async () => {
      const result = await work(await requireModel(this.#root, name));
      const time = { last_updated_timestamp: this.#options.now() };
      await changeModel(this.#root, name, { ...change, ...time });
      return result;
    });
  }

  async #write<T>(work: () => Promise<T>): Promise<T> {
    const { lockFolder, signal } = this.#options;
    const name = createHash('sha256').update(this.#root).digest('hex').slice(0, 32);
    return withLock(join(lockFolder, `${name}-models.lock`), { signal }, () =>
      explained(`cannot write to ${this.#root}`, work),
    );
  }

  #read<T>(work: () => Promise<T>): Promise<T> {
    return explained(`cannot read ${this.#root}`, work);
  }
}

/** What the file system throws comes out as an `MltsError` that names the store. */
async function explained<T>(problem: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MltsError) throw error;
    throw new Unavailable(`${problem}: ${explainCode(error)}`, { cause: error });
  }
}
