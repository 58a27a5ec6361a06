import { InvalidInput, MltsError, NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { createHttpClient } from '../host/http/client.ts';
import { showUri } from './artifact-uri.ts';
import { readContent, resumeHeaders } from './http-content.ts';
import type { ArtifactStore } from './store.ts';

/** One file at a plain http(s) address. No credentials are sent but those in the address itself. */
export async function openWebFile(url: string, context: Context): Promise<ArtifactStore> {
  const client = await createHttpClient(url, context, { audience: 'anyone' });
  return {
    list: async () => [],
    async read(_path, from, signal) {
      const headers = resumeHeaders(from);
      try {
        return readContent(await client.open({ method: 'GET', path: '', headers, signal }));
      } catch (error) {
        throw rewordError(error, url);
      }
    },
    async write() {
      throw new InvalidInput(`nothing can be uploaded to ${showUri(url)}`, {
        hint: 'only the artifacts of an MLflow server take uploads by http',
      });
    },
    async delete() {
      throw new InvalidInput(`nothing can be deleted at ${showUri(url)}`, {
        hint: 'only the artifacts of an MLflow server can be deleted by http',
      });
    },
    close: () => client.close(),
  };
}

/** The client's hints are for MLflow servers. */
function rewordError(error: unknown, url: string): unknown {
  if (error instanceof NotFound) {
    return new NotFound(`${showUri(url)} does not exist`, { cause: error });
  }
  if (error instanceof MltsError && error.code === 'UNAUTHENTICATED') {
    return new MltsError('UNAUTHENTICATED', `${showUri(url)} wants credentials`, {
      hint: 'write them into the address: https://USER:PASSWORD@host/path',
      cause: error,
    });
  }
  return error;
}
