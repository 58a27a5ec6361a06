import type { Context } from '../host/context.ts';
import { locateStore } from '../host/store-place.ts';

export interface StoredName {
  readonly id: string;
  readonly name: string;
}

/**
 * Experiments and runs by name, for what people are about to type. Unlike `TrackingStore` it makes
 * nothing, waits for nobody's lock and reads databases of any MLflow, older or newer.
 */
export interface StoredNames {
  /** Active ones, the newest first. */
  listExperiments(): Promise<readonly StoredName[]>;
  /** Active ones whose id begins with `idPrefix`, the newest first; as many as a person would look through. */
  listRuns(idPrefix: string): Promise<readonly StoredName[]>;
  close(): Promise<void>;
}

/** For each question to the store; a server that takes longer is not there. */
export const ANSWER_MS = 900;
export const MOST_NAMES = 500;

/** @throws MltsError where the store is not there, or cannot be read. */
export async function openStoredNames(uri: string, context: Context): Promise<StoredNames> {
  const place = locateStore(uri, context.cwd);
  switch (place.kind) {
    case 'sql':
      return (await import('./sql/stored-names.ts')).openNamesInDatabase(uri, context);
    case 'server':
      return (await import('./rest/stored-names.ts')).openNamesOnServer(uri, context);
    case 'folder':
      return (await import('./file/stored-names.ts')).openNamesInFolder(place.path);
  }
}
