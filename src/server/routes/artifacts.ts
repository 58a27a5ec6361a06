import type { Endpoint } from '../endpoint.ts';
import type { Services } from '../services.ts';

/** Artifacts of runs and logged models, and the proxy to where they lie. */
export function listArtifactEndpoints(_services: Services): readonly Endpoint[] {
  return [];
}
