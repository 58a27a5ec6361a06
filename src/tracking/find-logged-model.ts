import { InvalidInput, NotFound } from '../core/errors.ts';
import type { LoggedModel } from '../core/logged-model.ts';
import type { TrackingStore } from './store.ts';

/** Undefined where the store does not have it, or cannot have it. */
export async function findLoggedModel(
  { loggedModels }: Pick<TrackingStore, 'loggedModels'>,
  modelId: string,
): Promise<LoggedModel | undefined> {
  try {
    return await loggedModels.get(modelId);
  } catch (error) {
    if (error instanceof NotFound || error instanceof InvalidInput) return undefined;
    throw error;
  }
}
