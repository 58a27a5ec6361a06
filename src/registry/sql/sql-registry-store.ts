import type { Kysely, Transaction } from 'kysely';
import type { Tag } from '../../core/entities.ts';
import { checkKey } from '../../core/key.ts';
import type { ModelVersion, RegisteredModel } from '../../core/model-registry.ts';
import type { Page } from '../../core/page.ts';
import { changed, closeConnection, explained, type SqlConnection } from '../../sql/connection.ts';
import type { Tables } from '../../sql/tables.ts';
import {
  checkAlias,
  checkModelName,
  checkNewAlias,
  checkStageChange,
  checkTag,
  nameTaken,
} from '../limits.ts';
import type {
  NewModelVersion,
  NewRegisteredModel,
  RegistrySearch,
  RegistryStore,
  StageChange,
} from '../store.ts';
import {
  deleteAlias,
  deleteModelTag,
  deleteVersionTag,
  setAlias,
  setModelTag,
  setVersionTag,
} from './labels.ts';
import { changeModel, deleteModel, insertModel, readModel, renameModel } from './models.ts';
import { searchModels, searchVersions } from './search.ts';
import {
  changeVersion,
  deleteVersion,
  insertVersion,
  moveVersion,
  readLocation,
  readVersion,
} from './versions.ts';

/** Registered models in a database, as `mlflow/store/model_registry/sqlalchemy_store.py` keeps them. */
export class SqlRegistryStore implements RegistryStore {
  readonly #connection: SqlConnection;
  readonly #now: () => number;

  constructor(connection: SqlConnection, now: () => number) {
    this.#connection = connection;
    this.#now = now;
  }

  async createModel(model: NewRegisteredModel): Promise<RegisteredModel> {
    checkModelName(model.name);
    model.tags?.forEach(checkTag);
    return this.#write(async (transaction) => {
      await this.#takeName(model.name, insertModel(transaction, model, this.#now()));
      return readModel(transaction, model.name);
    });
  }

  async getModel(name: string): Promise<RegisteredModel> {
    checkModelName(name);
    return this.#read((database) => readModel(database, name));
  }

  async searchModels(search: RegistrySearch): Promise<Page<RegisteredModel>> {
    return this.#read((database) => searchModels(database, search));
  }

  async renameModel(name: string, newName: string): Promise<void> {
    checkModelName(name);
    checkModelName(newName);
    await this.#write((transaction) =>
      this.#takeName(newName, renameModel(transaction, name, newName, this.#now())),
    );
  }

  async updateModel(name: string, description: string): Promise<void> {
    checkModelName(name);
    const change = { description, last_updated_time: this.#now() };
    await this.#write((transaction) => changeModel(transaction, name, change));
  }

  async deleteModel(name: string): Promise<void> {
    checkModelName(name);
    await this.#write((transaction) => deleteModel(transaction, name));
  }

  async setModelTag(name: string, tag: Tag): Promise<void> {
    checkModelName(name);
    checkTag(tag);
    await this.#write(async (transaction) => {
      await readModel(transaction, name);
      await setModelTag(transaction, name, tag);
    });
  }

  async deleteModelTag(name: string, key: string): Promise<void> {
    checkModelName(name);
    checkKey('tag', key);
    await this.#write(async (transaction) => {
      await readModel(transaction, name);
      await deleteModelTag(transaction, name, key);
    });
  }

  async setAlias(name: string, alias: string, version: number): Promise<void> {
    checkModelName(name);
    checkNewAlias(alias);
    await this.#write(async (transaction) => {
      await readVersion(transaction, name, version);
      await setAlias(transaction, name, alias, version);
    });
  }

  async deleteAlias(name: string, alias: string): Promise<void> {
    checkModelName(name);
    checkAlias(alias);
    await this.#write(async (transaction) => {
      await readModel(transaction, name);
      await deleteAlias(transaction, name, alias);
    });
  }

  async createVersion(version: NewModelVersion): Promise<ModelVersion> {
    checkModelName(version.name);
    version.tags?.forEach(checkTag);
    return this.#write(async (transaction) => {
      const number = await insertVersion(transaction, version, this.#now());
      return readVersion(transaction, version.name, number);
    });
  }

  async getVersion(name: string, version: number): Promise<ModelVersion> {
    checkModelName(name);
    return this.#read((database) => readVersion(database, name, version));
  }

  async getDownloadUri(name: string, version: number): Promise<string> {
    checkModelName(name);
    return this.#read((database) => readLocation(database, name, version));
  }

  async searchVersions(search: RegistrySearch): Promise<Page<ModelVersion>> {
    return this.#read((database) => searchVersions(database, search));
  }

  async updateVersion(
    name: string,
    version: number,
    description: string | undefined,
  ): Promise<void> {
    checkModelName(name);
    const change = { description: description ?? null, last_updated_time: this.#now() };
    await this.#write((transaction) => changeVersion(transaction, name, version, change));
  }

  async deleteVersion(name: string, version: number): Promise<void> {
    checkModelName(name);
    await this.#write((transaction) => deleteVersion(transaction, name, version, this.#now()));
  }

  async setVersionTag(name: string, version: number, tag: Tag): Promise<void> {
    checkModelName(name);
    checkTag(tag);
    await this.#write(async (transaction) => {
      await readVersion(transaction, name, version);
      await setVersionTag(transaction, name, version, tag);
    });
  }

  async deleteVersionTag(name: string, version: number, key: string): Promise<void> {
    checkModelName(name);
    checkKey('tag', key);
    await this.#write(async (transaction) => {
      await readVersion(transaction, name, version);
      await deleteVersionTag(transaction, name, version, key);
    });
  }

  async moveVersion(name: string, version: number, change: StageChange): Promise<ModelVersion> {
    checkModelName(name);
    checkStageChange(change);
    return this.#write(async (transaction) => {
      await moveVersion(transaction, name, version, { ...change, nowMs: this.#now() });
      return readVersion(transaction, name, version);
    });
  }

  async close(): Promise<void> {
    await closeConnection(this.#connection);
  }

  /** @throws AlreadyExists where another model has the name. */
  async #takeName(name: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!this.#connection.isUniqueViolation(error)) throw error;
      throw nameTaken(name, error);
    }
  }

  #read<T>(work: (database: Kysely<Tables>) => Promise<T>): Promise<T> {
    return explained(this.#connection, () => work(this.#connection.database));
  }

  #write<T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T> {
    return changed(this.#connection, work);
  }
}
