import { posix } from 'node:path';
import { joinPath } from '../../artifacts/artifact-uri.ts';
import type { ArtifactEntry } from '../../artifacts/store.ts';
import type { HttpRequest } from '../../http/server.ts';
import { readArtifactPath } from '../artifact-paths.ts';
import { requiredText, text } from '../checks.ts';
import { type Endpoint, rpc, type Wire } from '../endpoint.ts';
import type { Services } from '../services.ts';
import { readRunId } from '../shared-fields.ts';
import { writeList } from '../wire.ts';
import { listPresignedEndpoints } from './direct-transfers.ts';
import { listPassingEndpoints } from './passing-artifacts.ts';

/** Artifacts of runs and logged models, and the proxy to where they lie. */
export function listArtifactEndpoints(services: Services): readonly Endpoint[] {
  return [
    ...listFolders(services),
    ...listPresignedEndpoints(services),
    ...listPassingEndpoints(services),
  ];
}

function listFolders({ tracking, artifacts }: Services): readonly Endpoint[] {
  const list = async (root: string, sent: string, { signal }: HttpRequest): Promise<Wire> => {
    const path = readArtifactPath(sent);
    const place = await artifacts.openBelow(root, path);
    try {
      const entries = await place.store.list(place.path, signal);
      const files = writeList('files', entries, (entry) =>
        writeEntry(entry, joinPath(path, posix.basename(entry.path))),
      );
      return { root_uri: root, ...files };
    } finally {
      await place.release();
    }
  };
  return [
    rpc({
      rpc: 'listArtifacts',
      method: 'GET',
      path: '/mlflow/artifacts/list',
      fields: { run_id: 'string', run_uuid: 'string', path: 'string', page_token: 'string' },
      checks: { run_id: requiredText, path: text, page_token: text },
      handle: async (message, request) => {
        const { info } = await tracking.getRun(readRunId(message));
        return list(info.artifactUri, message.path ?? '', request);
      },
    }),
    rpc({
      rpc: 'ListLoggedModelArtifacts',
      method: 'GET',
      path: '/mlflow/logged-models/{model_id}/artifacts/directories',
      fields: { model_id: 'string', artifact_directory_path: 'string', page_token: 'string' },
      checks: { artifact_directory_path: text, page_token: text },
      handle: async ({ model_id: modelId = '', artifact_directory_path: path = '' }, request) => {
        const model = await tracking.loggedModels.get(modelId);
        return list(model.artifactUri, path, request);
      },
    }),
  ];
}

/** `path` as the answer names it; the size of a folder is not told. */
export function writeEntry({ isDirectory, sizeBytes }: ArtifactEntry, path: string): Wire {
  return {
    path,
    is_dir: isDirectory,
    ...(sizeBytes === undefined || isDirectory ? {} : { file_size: sizeBytes }),
  };
}
