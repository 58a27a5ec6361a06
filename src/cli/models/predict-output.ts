import { basename, dirname, join } from 'node:path';
import { InvalidInput, MltsError, NotFound } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { isFolder } from '../../host/folders.ts';
import { describePath } from '../../host/source-tree.ts';
import { pourFile } from '../../host/streamed-files.ts';
import { resolveLinks } from '../../host/temporary-folder.ts';
import { withArtifactResolver } from '../artifact-resolver.ts';

/** Where the predictions go when all of them are there. */
export type PredictTarget =
  | { readonly kind: 'stdout' }
  /** A file of this machine, there or not; absolute, links followed. */
  | { readonly kind: 'file'; readonly path: string }
  /** A pipe or a device, which nothing can be put in place of. */
  | { readonly kind: 'stream'; readonly path: string }
  | { readonly kind: 'store'; readonly uri: string };

/**
 * Looks at the place before any work is done for it.
 *
 * @throws NotFound, InvalidInput, MltsError NOT_IMPLEMENTED where nothing can be written there.
 */
export async function findTarget(
  output: string | undefined,
  context: Context,
): Promise<PredictTarget> {
  if (output === undefined || output === '-') return { kind: 'stdout' };
  const { isLocal, resolveLocalPath, isReadable, unsupportedScheme, PROXY_PATH } = await import(
    '../../artifacts/artifact-uri.ts'
  );
  if (isLocal(output)) return describeLocal(resolveLocalPath(output, context.cwd));
  if (!isReadable(output)) throw unsupportedScheme(output);
  if (/^https?:/i.test(output) && !output.includes(PROXY_PATH)) {
    throw new MltsError('NOT_IMPLEMENTED', 'predictions cannot be written to a web address', {
      hint: 'name a file, or a place in a store: s3://..., gs://..., mlflow-artifacts:/...',
    });
  }
  return { kind: 'store', uri: output };
}

async function describeLocal(path: string): Promise<PredictTarget> {
  const found = await describePath(path).catch((error: unknown) => {
    if (error instanceof NotFound) return undefined;
    throw error;
  });
  if (found?.kind === 'folder') {
    throw new InvalidInput(`${path} is a folder`, { hint: 'name a file in it' });
  }
  if (found?.kind === 'other') return { kind: 'stream', path };
  if (found !== undefined) return { kind: 'file', path: await resolveLinks(path) };
  if (await isFolder(dirname(path))) return { kind: 'file', path };
  throw new NotFound(`the folder ${dirname(path)} does not exist`, {
    hint: `make it first: mkdir -p ${dirname(path)}`,
  });
}

/** Where to write what goes to the target: itself, or a file in `folder`. */
export function chooseFile(target: PredictTarget, folder: string): string {
  if (target.kind === 'file') return target.path;
  const name = target.kind === 'store' ? basename(new URL(target.uri).pathname) : 'predictions';
  return join(folder, name || 'predictions');
}

/** Brings the file to the target, where it is not there already. */
export async function deliver(
  file: string,
  target: PredictTarget,
  context: Context,
): Promise<void> {
  const { signal } = context.interrupts;
  if (target.kind === 'stdout') return pourFile(file, 'stdout', signal);
  if (target.kind === 'stream') return pourFile(file, target, signal);
  if (target.kind === 'store') return upload(file, target.uri, context);
}

async function upload(file: string, uri: string, context: Context): Promise<void> {
  const [{ uploadFile }, { splitUri }] = await Promise.all([
    import('../../artifacts/upload.ts'),
    import('../../artifacts/artifact-uri.ts'),
  ]);
  const { base, path } = splitUri(uri);
  const above = dirname(path);
  await withArtifactResolver(context, ({ trackingUri }) =>
    uploadFile(file, { base, folder: above === '.' ? '' : above, trackingUri }, context),
  );
}
