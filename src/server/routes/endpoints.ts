import type { Endpoint } from '../endpoint.ts';
import type { Services } from '../services.ts';
import { artifactsOnly } from '../unopened-store.ts';
import { listArtifactEndpoints } from './artifacts.ts';
import { listExperimentEndpoints } from './experiments.ts';
import { listLoggedModelEndpoints } from './logged-models.ts';
import { listMetricEndpoints } from './metrics.ts';
import { listModelVersionEndpoints } from './model-versions.ts';
import { addPreviews, listOlderEndpoints } from './older-clients.ts';
import { listFileEndpoints, listPassingEndpoints } from './passing-artifacts.ts';
import { listRegisteredModelEndpoints } from './registered-models.ts';
import { listRunDataEndpoints } from './run-data.ts';
import { listRunEndpoints } from './runs.ts';
import { listServerEndpoints } from './server-info.ts';

/** Everything below `/api` and `/ajax-api`, a table for each resource. */
export function listEndpoints(services: Services): readonly Endpoint[] {
  return addPreviews([
    ...listServerEndpoints(services),
    ...listExperimentEndpoints(services),
    ...listRunEndpoints(services),
    ...listRunDataEndpoints(services),
    ...listMetricEndpoints(services),
    ...listLoggedModelEndpoints(services),
    ...listRegisteredModelEndpoints(services),
    ...listModelVersionEndpoints(services),
    ...listArtifactEndpoints(services),
    ...listOlderEndpoints(services),
  ]);
}

/** What a server answers, and where. */
export interface Served {
  readonly endpoints: readonly Endpoint[];
  /** At the root. */
  readonly files: readonly Endpoint[];
}

export function listServed(services: Services, artifactsOnly: boolean): Served {
  const all = { endpoints: listEndpoints(services), files: listFileEndpoints(services) };
  if (!artifactsOnly) return all;
  // Of two endpoints at one path the later one answers.
  const endpoints = [
    ...all.endpoints.map(refuse),
    ...listPassingEndpoints(services),
    ...listServerEndpoints(services),
  ];
  return { endpoints, files: all.files.map(refuse) };
}

/** `mlflow/server/handlers.py`, `_disable_if_artifacts_only`: 503 for all but the artifacts. */
function refuse(endpoint: Endpoint): Endpoint {
  return {
    ...endpoint,
    takesStream: false,
    read: () => ({}),
    answer: async () => {
      throw artifactsOnly();
    },
  };
}
