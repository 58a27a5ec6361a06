import { joinPath } from '../../artifacts/artifact-uri.ts';
import {
  type DirectTransfers,
  MOST_PARTS,
  notSupported,
  partsNotSupported,
} from '../../artifacts/direct.ts';
import { InvalidInput } from '../../core/errors.ts';
import { invalidPath, readInnerPath } from '../artifact-paths.ts';
import type { ArtifactPlaces, Place } from '../artifact-places.ts';
import { integer, list, requiredText, text } from '../checks.ts';
import { type Endpoint, rpc } from '../endpoint.ts';
import { message } from '../message.ts';
import type { Services } from '../services.ts';

const part = message({ part_number: 'int64', etag: 'string', url: 'string' });

/**
 * Files that go to the place of artifacts and come from there by themselves, at addresses that are signed here.
 * Not all stores can do that: then MLflow's clients send them through this server.
 */
export function listDirectEndpoints({ artifacts }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'createMultipartUpload',
      method: 'POST',
      path: '/mlflow-artifacts/mpu/create/{folder*}',
      fields: { folder: 'string', path: 'string', num_parts: 'int64' },
      checks: { path: requiredText, num_parts: integer },
      handle: async ({ num_parts: count = 0, ...sent }, { signal }) => {
        const { direct, path } = await openTarget(artifacts, sent);
        if (count < 1 || count > MOST_PARTS) {
          throw new InvalidInput(`\`num_parts\` is ${count}, and has to be 1 to ${MOST_PARTS}`);
        }
        const { uploadId, parts } = await direct.startUpload(path, count, signal);
        const credentials = parts.map(({ number, url }) => ({ url, part_number: number }));
        return { ...(uploadId === undefined ? {} : { upload_id: uploadId }), credentials };
      },
    }),
    rpc({
      rpc: 'completeMultipartUpload',
      method: 'POST',
      path: '/mlflow-artifacts/mpu/complete/{folder*}',
      fields: { folder: 'string', path: 'string', upload_id: 'string', parts: [part] },
      checks: { path: requiredText, upload_id: text, parts: { ...list, isRequired: true } },
      handle: async ({ upload_id: uploadId = '', parts = [], ...sent }) => {
        const { direct, path } = await openTarget(artifacts, sent);
        const told = parts.map(({ part_number: number = 0, etag = '', url = '' }) => ({
          number,
          etag,
          url,
        }));
        await direct.finishUpload(path, uploadId, told, untilDone());
        return {};
      },
    }),
    rpc({
      rpc: 'abortMultipartUpload',
      method: 'POST',
      path: '/mlflow-artifacts/mpu/abort/{folder*}',
      fields: { folder: 'string', path: 'string', upload_id: 'string' },
      checks: { path: requiredText, upload_id: text },
      handle: async ({ upload_id: uploadId = '', ...sent }) => {
        const { direct, path } = await openTarget(artifacts, sent);
        await direct.dropUpload(path, uploadId, untilDone());
        return {};
      },
    }),
    rpc({
      rpc: 'getPresignedDownloadUrl',
      method: 'GET',
      path: '/mlflow-artifacts/presigned/{path*}',
      fields: { path: 'string' },
      handle: async ({ path = '' }, { signal }) => {
        const { store, path: inside } = await artifacts.openPassing(readInnerPath(path));
        const seconds = artifacts.presignedSeconds;
        const signed = await store.direct?.signDownload?.(inside, seconds, signal);
        if (signed === undefined) throw notSupported('Multipart download');
        const { url, headers, sizeBytes } = signed;
        return { url, headers, ...(sizeBytes === undefined ? {} : { file_size: sizeBytes }) };
      },
    }),
  ];
}

/** A client that goes away half way wants what it asked for done all the same. */
export function untilDone(): AbortSignal {
  return new AbortController().signal;
}

interface Target {
  readonly direct: DirectTransfers;
  readonly path: string;
}

/** The folder stands in the address; of the path, which is that of the sender's own file, the name counts. */
async function openTarget(
  artifacts: ArtifactPlaces,
  { folder = '', path: sent = '' }: { readonly folder?: string; readonly path?: string },
): Promise<Target> {
  const inside = readInnerPath(folder);
  const name = sent.split(/[/\\]/).at(-1) ?? '';
  if (['', '.', '..'].includes(name) || name.includes('\0')) throw invalidPath(sent);
  const { store, path } = await artifacts.openPassing(joinPath(inside, name));
  if (store.direct === undefined) throw partsNotSupported();
  return { direct: store.direct, path };
}

const LONGEST_SECONDS = 604_800;
const USUAL_UPLOAD_SECONDS = 900;

/** Addresses of single files of runs and logged models whose artifacts do not pass through this server. */
export function listPresignedEndpoints(services: Services): readonly Endpoint[] {
  const { tracking, artifacts } = services;
  return [
    signUpload(services),
    rpc({
      rpc: 'createPresignedDownloadUrl',
      method: 'POST',
      path: '/mlflow/artifacts/presigned-download-url',
      fields: { run_id: 'string', path: 'string', expiration: 'int64' },
      checks: { run_id: requiredText, path: requiredText, expiration: integer },
      handle: async ({ run_id: runId = '', ...sent }, { signal }) => {
        const inside = readInnerPath(sent.path ?? '');
        const seconds = checkSeconds(sent.expiration ?? artifacts.presignedSeconds);
        const root = (await tracking.getRun(runId)).info.artifactUri;
        return withPlace(artifacts, root, inside, 'download', async ({ store, path }) => {
          const signed = await store.direct?.signDownload?.(path, seconds, signal);
          if (signed === undefined) throw notSupported('Presigned download');
          const { url, sizeBytes } = signed;
          return {
            presigned_url: url,
            ...(sizeBytes === undefined ? {} : { file_size: sizeBytes }),
          };
        });
      },
    }),
  ];
}

function signUpload({ tracking, artifacts }: Services): Endpoint {
  const endpoint = rpc({
    rpc: 'createPresignedUploadUrl',
    method: 'POST',
    path: '/mlflow/artifacts/presigned-upload-url',
    fields: { run_id: 'string', model_id: 'string', path: 'string', expiration: 'int64' },
    checks: { run_id: text, model_id: text, path: requiredText, expiration: integer },
    handle: async ({ run_id: runId, model_id: modelId, ...sent }) => {
      const inside = readInnerPath(sent.path ?? '');
      const root = modelId
        ? (await tracking.loggedModels.get(modelId)).artifactUri
        : (await tracking.getRun(runId ?? '')).info.artifactUri;
      const seconds = checkSeconds(sent.expiration ?? USUAL_UPLOAD_SECONDS);
      return withPlace(artifacts, root, inside, 'upload', async ({ store, path }) => {
        if (store.direct?.signUpload === undefined) throw notSupported('Presigned upload');
        const { url, headers } = await store.direct.signUpload(path, seconds);
        return { presigned_url: url, headers };
      });
    },
  });
  return {
    ...endpoint,
    // Before it is asked who may do what with either.
    read(request, pathValues) {
      const sent = endpoint.read(request, pathValues);
      if (Boolean(sent.run_id) !== Boolean(sent.model_id)) return sent;
      throw new InvalidInput('one of `run_id` and `model_id` is needed, and not both');
    },
  };
}

/** Clouds refuse an address that is good for longer when it is used: too late. */
function checkSeconds(seconds: number): number {
  if (seconds >= 1 && seconds <= LONGEST_SECONDS) return seconds;
  throw new InvalidInput(`\`expiration\` is ${seconds}, and has to be 1 to ${LONGEST_SECONDS}`);
}

async function withPlace<T>(
  artifacts: ArtifactPlaces,
  root: string,
  inside: string,
  what: 'upload' | 'download',
  work: (place: Place) => Promise<T>,
): Promise<T> {
  if (/^(https?|mlflow-artifacts):/i.test(root)) {
    throw new InvalidInput(`no ${what} can be signed: these artifacts pass through a server`);
  }
  const place = await artifacts.openBelow(root, inside);
  try {
    return await work(place);
  } finally {
    await place.release();
  }
}
