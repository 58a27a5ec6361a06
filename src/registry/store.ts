import type { Tag } from '../core/entities.ts';
import type { ModelStage, ModelVersion, RegisteredModel } from '../core/model-registry.ts';
import type { Page, PageRequest } from '../core/page.ts';

export interface NewRegisteredModel {
  readonly name: string;
  readonly description?: string | undefined;
  readonly tags?: readonly Tag[];
}

export interface NewModelVersion {
  readonly name: string;
  /** URI of the folder with the model. */
  readonly source: string;
  /** The run that made it. */
  readonly runId?: string | undefined;
  readonly runLink?: string | undefined;
  /** The logged model that it is made of. */
  readonly modelId?: string | undefined;
  /** Where the files of `models:/m-ID` lie, for a store that has no logged models beside it. */
  readonly location?: string | undefined;
  readonly description?: string | undefined;
  readonly tags?: readonly Tag[];
}

/** `filter` and `orderBy` in MLflow's own language; absent: all, models by name, versions the newest first. */
export interface RegistrySearch extends PageRequest {
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
}

export interface StageChange {
  readonly stage: ModelStage;
  /** Moves the versions that are in that stage to Archived; for Staging and Production only. */
  readonly archivesExisting: boolean;
}

/**
 * Where registered models live. Each implementation keeps MLflow's data as MLflow 3.17 keeps it
 * (`mlflow/store/model_registry/abstract_store.py`), so that Python's client reads what is written here.
 *
 * Every method throws `NotFound` for models and versions that are not there, `InvalidInput` for what MLflow
 * refuses, `AlreadyExists` for a name in use, `Unavailable` when the store cannot be reached.
 */
export interface RegistryStore {
  createModel(model: NewRegisteredModel): Promise<RegisteredModel>;
  getModel(name: string): Promise<RegisteredModel>;
  searchModels(search: RegistrySearch): Promise<Page<RegisteredModel>>;
  /** Its versions, tags and aliases go with it. */
  renameModel(name: string, newName: string): Promise<void>;
  updateModel(name: string, description: string): Promise<void>;
  /** Deletes it with all of its versions, for good. */
  deleteModel(name: string): Promise<void>;
  setModelTag(name: string, tag: Tag): Promise<void>;
  /** Also where it has no such tag. */
  deleteModelTag(name: string, key: string): Promise<void>;
  /** Gives the alias to this version, whichever had it before. */
  setAlias(name: string, alias: string, version: number): Promise<void>;
  /** Also where nobody has the alias. */
  deleteAlias(name: string, alias: string): Promise<void>;
  /** Numbers are given one after the other, from 1; that of a deleted version is not given again. */
  createVersion(version: NewModelVersion): Promise<ModelVersion>;
  getVersion(name: string, version: number): Promise<ModelVersion>;
  /** Where its files lie: its source, or what that stood for when the version was made. */
  getDownloadUri(name: string, version: number): Promise<string>;
  /** Of all models, without the deleted ones. */
  searchVersions(search: RegistrySearch): Promise<Page<ModelVersion>>;
  /** Without a description it has none any more. */
  updateVersion(name: string, version: number, description: string | undefined): Promise<void>;
  /** Takes its aliases with it. */
  deleteVersion(name: string, version: number): Promise<void>;
  setVersionTag(name: string, version: number, tag: Tag): Promise<void>;
  deleteVersionTag(name: string, version: number, key: string): Promise<void>;
  moveVersion(name: string, version: number, change: StageChange): Promise<ModelVersion>;
  close(): Promise<void>;
}
