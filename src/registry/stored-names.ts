import type { Context } from '../host/context.ts';
import { locateStore } from '../host/store-place.ts';

export interface StoredModel {
  readonly name: string;
  readonly description: string | undefined;
}

export interface StoredVersion {
  readonly version: number;
  readonly stage: string;
  readonly aliases: readonly string[];
}

/**
 * Registered models and their versions, for what people are about to type. Unlike `RegistryStore` it makes
 * nothing, waits for nobody's lock and reads databases of any MLflow, older or newer.
 */
export interface StoredModelNames {
  /** Those whose name begins with `prefix`, without prompts; as many as a person would look through. */
  listModels(prefix: string): Promise<readonly StoredModel[]>;
  /** The newest first; none where there is no such model. */
  listVersions(name: string): Promise<readonly StoredVersion[]>;
  close(): Promise<void>;
}

/** For each question to the registry; a server that takes longer is not there. */
export const ANSWER_MS = 900;
export const MOST_NAMES = 500;

/** @throws MltsError where the registry is not there, or cannot be read. */
export async function openStoredModelNames(
  uri: string,
  context: Context,
): Promise<StoredModelNames> {
  const place = locateStore(uri, context.cwd, 'model registry');
  switch (place.kind) {
    case 'sql':
      return (await import('./sql/stored-names.ts')).openModelNamesInDatabase(uri, context);
    case 'server':
      return (await import('./rest/stored-names.ts')).openModelNamesOnServer(uri, context);
    case 'folder':
      return (await import('./file/stored-names.ts')).openModelNamesInFolder(place.path);
  }
}
