import type { Tag } from '../../core/entities.ts';
import { checkKey } from '../../core/key.ts';
import type { ModelVersion, RegisteredModel } from '../../core/model-registry.ts';
import type { Page } from '../../core/page.ts';
import type { MlflowApi } from '../../host/http/mlflow-api.ts';
import { readMessage, readText, type Wire } from '../../host/http/mlflow-message.ts';
import {
  checkAlias,
  checkModelName,
  checkNewAlias,
  checkStageChange,
  checkTag,
} from '../limits.ts';
import type {
  NewModelVersion,
  NewRegisteredModel,
  RegistrySearch,
  RegistryStore,
  StageChange,
} from '../store.ts';
import { searchModels, searchVersions } from './search.ts';
import { readModelVersion, readRegisteredModel } from './wire.ts';

/** Registered models of an MLflow server (`mlflow/store/model_registry/rest_store.py`). */
export class RestRegistryStore implements RegistryStore {
  readonly #api: MlflowApi;

  /** Nothing is sent yet: a server that is not there shows on the first call. */
  constructor(api: MlflowApi) {
    this.#api = api;
  }

  async createModel({
    name,
    description,
    tags = [],
  }: NewRegisteredModel): Promise<RegisteredModel> {
    checkModelName(name);
    tags.forEach(checkTag);
    const body = { name, tags, ...(description === undefined ? {} : { description }) };
    return this.#readModel(await this.#api.post('registered-models/create', body));
  }

  async getModel(name: string): Promise<RegisteredModel> {
    checkModelName(name);
    return this.#readModel(await this.#api.get('registered-models/get', { name }));
  }

  async searchModels(search: RegistrySearch): Promise<Page<RegisteredModel>> {
    return searchModels(this.#api, search);
  }

  async renameModel(name: string, newName: string): Promise<void> {
    checkModelName(name);
    checkModelName(newName);
    await this.#api.post('registered-models/rename', { name, new_name: newName });
  }

  async updateModel(name: string, description: string): Promise<void> {
    checkModelName(name);
    await this.#api.patch('registered-models/update', { name, description });
  }

  async deleteModel(name: string): Promise<void> {
    checkModelName(name);
    await this.#api.delete('registered-models/delete', { name });
  }

  async setModelTag(name: string, tag: Tag): Promise<void> {
    checkModelName(name);
    checkTag(tag);
    await this.#set('registered-models/set-tag', { name, ...tag });
  }

  async deleteModelTag(name: string, key: string): Promise<void> {
    checkModelName(name);
    checkKey('tag', key);
    await this.#api.delete('registered-models/delete-tag', { name, key });
  }

  async setAlias(name: string, alias: string, version: number): Promise<void> {
    checkModelName(name);
    checkNewAlias(alias);
    await this.#set('registered-models/alias', { name, alias, version: String(version) });
  }

  async deleteAlias(name: string, alias: string): Promise<void> {
    checkModelName(name);
    checkAlias(alias);
    await this.#api.delete('registered-models/alias', { name, alias });
  }

  async createVersion(version: NewModelVersion): Promise<ModelVersion> {
    const { name, source, runId, runLink, modelId, description, tags = [] } = version;
    checkModelName(name);
    tags.forEach(checkTag);
    const body = {
      name,
      source,
      tags,
      ...(runId === undefined ? {} : { run_id: runId }),
      ...(runLink === undefined ? {} : { run_link: runLink }),
      ...(modelId === undefined ? {} : { model_id: modelId }),
      ...(description === undefined ? {} : { description }),
    };
    return this.#readVersion(await this.#api.post('model-versions/create', body));
  }

  async getVersion(name: string, version: number): Promise<ModelVersion> {
    checkModelName(name);
    const query = { name, version: String(version) };
    return this.#readVersion(await this.#api.get('model-versions/get', query));
  }

  async getDownloadUri(name: string, version: number): Promise<string> {
    checkModelName(name);
    const query = { name, version: String(version) };
    return readText((await this.#api.get('model-versions/get-download-uri', query)).artifact_uri);
  }

  async searchVersions(search: RegistrySearch): Promise<Page<ModelVersion>> {
    return searchVersions(this.#api, search);
  }

  async updateVersion(
    name: string,
    version: number,
    description: string | undefined,
  ): Promise<void> {
    checkModelName(name);
    const body = { name, version: String(version), description };
    await this.#api.patch('model-versions/update', body);
  }

  async deleteVersion(name: string, version: number): Promise<void> {
    checkModelName(name);
    await this.#api.delete('model-versions/delete', { name, version: String(version) });
  }

  async setVersionTag(name: string, version: number, tag: Tag): Promise<void> {
    checkModelName(name);
    checkTag(tag);
    await this.#set('model-versions/set-tag', { name, version: String(version), ...tag });
  }

  async deleteVersionTag(name: string, version: number, key: string): Promise<void> {
    checkModelName(name);
    checkKey('tag', key);
    const body = { name, version: String(version), key };
    await this.#api.delete('model-versions/delete-tag', body);
  }

  async moveVersion(name: string, version: number, change: StageChange): Promise<ModelVersion> {
    checkModelName(name);
    checkStageChange(change);
    const answer = await this.#set('model-versions/transition-stage', {
      name,
      version: String(version),
      stage: change.stage,
      archive_existing_versions: change.archivesExisting,
    });
    return this.#readVersion(answer);
  }

  async close(): Promise<void> {
    await this.#api.close();
  }

  /** What is set twice is as if set once. */
  #set(endpoint: string, body: Wire): Promise<Wire> {
    return this.#api.post(endpoint, body, { isIdempotent: true });
  }

  #readModel(answer: Wire): RegisteredModel {
    return readRegisteredModel(readMessage(answer, 'registered_model', this.#api.address));
  }

  #readVersion(answer: Wire): ModelVersion {
    return readModelVersion(readMessage(answer, 'model_version', this.#api.address));
  }
}
