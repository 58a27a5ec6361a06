import type { Endpoint } from '../endpoint.ts';
import type { Services } from '../services.ts';
import { listArtifactEndpoints } from './artifacts.ts';
import { listExperimentEndpoints } from './experiments.ts';
import { listServerEndpoints } from './server-info.ts';

/** Everything below `/api` and `/ajax-api`, a table for each resource. */
export function listEndpoints(services: Services): readonly Endpoint[] {
  return [
    ...listServerEndpoints(services),
    ...listExperimentEndpoints(services),
    ...listArtifactEndpoints(services),
  ];
}
