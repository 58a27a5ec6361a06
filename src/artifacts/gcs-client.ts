import { EventEmitter } from 'node:events';
import type { Storage } from '@google-cloud/storage';
import { type Env, readNumber, variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import { kindOf } from '../host/files.ts';
import { trustBundle } from '../host/http/certificates.ts';

/** Google takes parts of an upload only in multiples of this. */
const PART_UNIT_BYTES = 262_144;

export interface GcsSettings {
  /** After so long without any progress a transfer is given up; Infinity: never. */
  readonly idleMs: number;
  /** Undefined: a file goes up in one request, and goes on where it broke off. */
  readonly partBytes: number | undefined;
}

/**
 * Makes a client with the credentials that Google's own libraries find: GOOGLE_APPLICATION_CREDENTIALS, what
 * `gcloud auth application-default login` left, the machine's service account; none where there are none.
 * STORAGE_EMULATOR_HOST names another server, which is asked without credentials.
 *
 * @throws InvalidInput where the file of credentials is not there.
 */
export async function createGcsClient(env: Env): Promise<Storage> {
  await trustBundle(env);
  const { Storage } = await import('@google-cloud/storage');
  // It hangs more listeners on each of its streams than Node holds for sane, and Node says so on stderr.
  EventEmitter.defaultMaxListeners = Math.max(EventEmitter.defaultMaxListeners, 30);
  const keyFilename = env.GOOGLE_APPLICATION_CREDENTIALS;
  if (keyFilename && (await kindOf(keyFilename)) !== 'file') {
    throw new InvalidInput(
      `GOOGLE_APPLICATION_CREDENTIALS names \`${keyFilename}\`, which does not exist`,
      { hint: 'name the JSON file of a service account, or unset it' },
    );
  }
  const emulator = readEmulator(env);
  const storage = new Storage({
    ...(keyFilename ? { keyFilename } : {}),
    ...(emulator === undefined ? {} : { apiEndpoint: emulator }),
    // What is tried again is decided, and told, by `withRetries`.
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
  // The library takes the variable for the whole address of its API.
  if (emulator !== undefined) storage.baseUrl = `${emulator}/storage/v1`;
  return storage;
}

function readEmulator(env: Env): string | undefined {
  const host = env.STORAGE_EMULATOR_HOST;
  if (!host) return undefined;
  return (host.includes('://') ? host : `http://${host}`).replace(/\/+$/, '');
}

/**
 * Reads what MLflow reads (`mlflow/store/artifact/gcs_artifact_repo.py`). MLFLOW_GCS_DOWNLOAD_CHUNK_SIZE has
 * no meaning here: a download is one stream, which goes on where it broke off.
 *
 * @throws InvalidInput
 */
export function readGcsSettings(env: Env): GcsSettings {
  const partBytes = readNumber(env, variables.gcsUploadChunkSize, 0);
  if (partBytes % PART_UNIT_BYTES !== 0) {
    throw new InvalidInput(
      `${variables.gcsUploadChunkSize} must be a multiple of ${PART_UNIT_BYTES}, got \`${partBytes}\``,
    );
  }
  const isEndless = env[variables.artifactTimeout] === '-1';
  const seconds = isEndless ? Infinity : readNumber(env, variables.artifactTimeout, 60);
  return { idleMs: (seconds || 60) * 1_000, partBytes: partBytes || undefined };
}
