import { AlreadyExists } from '../core/errors.ts';
import type { RegistryStore } from './store.ts';

/** Creates a registered model where there is none of this name. Returns whether it did. */
export async function ensureModel(store: RegistryStore, name: string): Promise<boolean> {
  try {
    await store.createModel({ name });
    return true;
  } catch (error) {
    if (error instanceof AlreadyExists) return false;
    throw error;
  }
}
