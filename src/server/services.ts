import type { RegistryStore } from '../registry/store.ts';
import type { TrackingStore } from '../tracking/store.ts';
import type { ArtifactPlaces } from './artifact-places.ts';

/** What the routes work with. */
export interface Services {
  readonly tracking: TrackingStore;
  readonly registry: RegistryStore;
  readonly artifacts: ArtifactPlaces;
  /** MLflow's word for where runs are kept: `SqlStore` or `FileStore`. */
  readonly storeType: 'SqlStore' | 'FileStore';
  /** Places that the server was started with: their hosts may be called. */
  readonly trustedLocations: readonly string[];
  /** Milliseconds since the epoch. */
  now(): number;
}

export function nameStoreType(uri: string): Services['storeType'] {
  return /^(sqlite|postgres)/.test(uri) ? 'SqlStore' : 'FileStore';
}
