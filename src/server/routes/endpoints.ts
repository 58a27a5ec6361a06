import type { Endpoint } from '../endpoint.ts';
import type { Services } from '../services.ts';
import { listArtifactEndpoints } from './artifacts.ts';
import { listExperimentEndpoints } from './experiments.ts';
import { listLoggedModelEndpoints } from './logged-models.ts';
import { listMetricEndpoints } from './metrics.ts';
import { listModelVersionEndpoints } from './model-versions.ts';
import { listRegisteredModelEndpoints } from './registered-models.ts';
import { listRunDataEndpoints } from './run-data.ts';
import { listRunEndpoints } from './runs.ts';
import { listServerEndpoints } from './server-info.ts';

/** Everything below `/api` and `/ajax-api`, a table for each resource. */
export function listEndpoints(services: Services): readonly Endpoint[] {
  return [
    ...listServerEndpoints(services),
    ...listExperimentEndpoints(services),
    ...listRunEndpoints(services),
    ...listRunDataEndpoints(services),
    ...listMetricEndpoints(services),
    ...listLoggedModelEndpoints(services),
    ...listRegisteredModelEndpoints(services),
    ...listModelVersionEndpoints(services),
    ...listArtifactEndpoints(services),
  ];
}
