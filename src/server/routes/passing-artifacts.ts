import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { InvalidInput, MltsError } from '../../core/errors.ts';
import type { HttpAnswer } from '../../http/server.ts';
import { answerFile } from '../artifact-answer.ts';
import { readArtifactPath, readInnerPath } from '../artifact-paths.ts';
import { text } from '../checks.ts';
import { answerJson, type Call, type Endpoint, rpc } from '../endpoint.ts';
import { readVersionNumber } from '../registry-values.ts';
import type { Services } from '../services.ts';
import { writeList } from '../wire.ts';
import { writeEntry } from './artifacts.ts';
import { listDirectEndpoints, untilDone } from './direct-transfers.ts';

const ARTIFACTS = '/mlflow-artifacts/artifacts';
/** What a page may send at once (`mlflow/server/handlers.py`, `upload_artifact_handler`). */
const MOST_UPLOADED_BYTES = 10 * 1024 * 1024;

/** What goes through this server on its way to and from the place of artifacts (`mlflow-artifacts:`). */
export function listPassingEndpoints(services: Services): readonly Endpoint[] {
  const { artifacts } = services;
  return [
    rpc({
      rpc: 'listArtifacts',
      method: 'GET',
      path: ARTIFACTS,
      fields: { path: 'string' },
      checks: { path: text },
      handle: async ({ path = '' }, { signal }) => {
        const { store, path: inside } = await artifacts.openPassing(readArtifactPath(path));
        const entries = await store.list(inside, signal);
        return writeList('files', entries, (entry) =>
          writeEntry(entry, posix.basename(entry.path)),
        );
      },
    }),
    raw('downloadArtifact', 'GET', `${ARTIFACTS}/{path*}`, async ({ message, request }) =>
      answerFile(await artifacts.openPassing(readPath(message)), request),
    ),
    raw('uploadArtifact', 'PUT', `${ARTIFACTS}/{path*}`, async ({ message, request }) => {
      const place = await artifacts.openPassing(readPath(message), 'receive');
      const { stream, signal } = request;
      if (stream === undefined) throw new Error('the body of an upload comes as a stream');
      await artifacts.receive(place, stream, signal).catch((error: unknown) => {
        if (!signal.aborted && !stream.errored) throw error;
        throw new MltsError('BAD_REQUEST', 'the client went away before all had arrived');
      });
      return { status: 200, body: '' };
    }),
    raw('deleteArtifact', 'DELETE', `${ARTIFACTS}/{path*}`, async ({ message }) => {
      const { store, path } = await artifacts.openPassing(readPath(message));
      await store.delete(path, untilDone());
      return answerJson(200, {});
    }),
    ...listDirectEndpoints(services),
  ];
}

function readPath({ path }: Call['message']): string {
  return readInnerPath(String(path));
}

/** Single files of runs, versions and logged models, at the root of the server; MLflow's pages ask for them. */
export function listFileEndpoints({
  tracking,
  registry,
  artifacts,
}: Services): readonly Endpoint[] {
  const send = (
    rpcName: string,
    path: string,
    pathField: string,
    findRoot: (query: URLSearchParams, call: Call) => Promise<string>,
  ): Endpoint =>
    raw(rpcName, 'GET', path, async (call) => {
      const query = new URLSearchParams(call.request.query);
      const sent = query.get(pathField);
      if (!sent) throw new InvalidInput(`\`${pathField}\` is missing`);
      const inside = readInnerPath(sent);
      const root = await findRoot(query, call);
      return answerFile(await artifacts.openBelow(root, inside), call.request);
    });
  const findRun = async (query: URLSearchParams): Promise<string> => {
    const runId = query.get('run_id') || query.get('run_uuid') || '';
    return (await tracking.getRun(runId)).info.artifactUri;
  };
  const findVersion = (query: URLSearchParams): Promise<string> =>
    registry.getDownloadUri(query.get('name') ?? '', readVersionNumber(query.get('version') ?? ''));
  const findModel = async (_query: URLSearchParams, { message }: Call): Promise<string> =>
    (await tracking.loggedModels.get(String(message.model_id))).artifactUri;
  return [
    raw('uploadRunArtifact', 'POST', '/ajax-api/2.0/mlflow/upload-artifact', async (call) => {
      const query = new URLSearchParams(call.request.query);
      if (!query.get('run_uuid')) throw new InvalidInput('`run_uuid` is missing');
      const inside = readInnerPath(query.get('path') ?? '');
      const { body, signal } = call.request;
      if (body.length === 0) throw new InvalidInput('there is nothing in the body');
      if (body.length > MOST_UPLOADED_BYTES) {
        throw new InvalidInput(`the artifact is larger than ${MOST_UPLOADED_BYTES} bytes`);
      }
      const place = await artifacts.openBelow(await findRun(query), inside);
      try {
        await artifacts.receive(place, Readable.from([body]), signal);
      } finally {
        await place.release();
      }
      return { status: 200, type: 'application/json', body: '' };
    }),
    send('getArtifact', '/get-artifact', 'path', findRun),
    send('getModelVersionArtifact', '/model-versions/get-artifact', 'path', findVersion),
    send(
      'getLoggedModelArtifact',
      '/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files',
      'artifact_file_path',
      findModel,
    ),
  ];
}

/** An endpoint whose request or answer is a file. */
function raw(
  name: string,
  method: string,
  path: string,
  answer: (call: Call) => Promise<HttpAnswer>,
): Endpoint {
  return {
    rpc: name,
    method,
    path,
    version: '2.0',
    isForBrowsers: false,
    takesStream: method === 'PUT',
    read: (_request, pathValues) => pathValues,
    answer,
  };
}
