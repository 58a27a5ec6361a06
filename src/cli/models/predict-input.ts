import { join } from 'node:path';
import { InvalidInput } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { writeFileAtomically } from '../../host/files.ts';
import { describePath } from '../../host/source-tree.ts';
import { describeVersion, spoolInput } from '../../host/streamed-files.ts';
import type { ContentType, PredictJob } from '../../serving/predict/job.ts';
import { withArtifactResolver } from '../artifact-resolver.ts';

/** Where the input comes from. */
export type PredictSource =
  | { readonly kind: 'stdin' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'place'; readonly uri: string };

type FoundInput = Pick<PredictJob, 'input' | 'identity'>;

/**
 * The input as a file of this machine: where it lies, or in `folder`, into which all else is brought.
 *
 * @throws NotFound, InvalidInput, Unavailable.
 */
export async function bringInput(
  source: PredictSource,
  contentType: ContentType,
  folder: string,
  context: Context,
): Promise<FoundInput> {
  if (source.kind === 'place') return findPlace(source.uri, contentType, folder, context);
  const input = join(folder, `input.${contentType}`);
  if (source.kind === 'text') await writeFileAtomically(input, source.text);
  else await spoolInput('stdin', input, context.interrupts.signal);
  return { input, identity: input };
}

async function findPlace(
  uri: string,
  contentType: ContentType,
  folder: string,
  context: Context,
): Promise<FoundInput> {
  const { isLocal } = await import('../../artifacts/artifact-uri.ts');
  if (isLocal(uri)) {
    const { findLocal } = await import('../../artifacts/find-local.ts');
    return describeLocal(await findLocal(uri, context), contentType, folder, context);
  }
  const { downloadArtifact } = await import('../../artifacts/download.ts');
  const input = await withArtifactResolver(context, (resolver) =>
    downloadArtifact(uri, folder, context, resolver),
  );
  const { kind } = await describePath(input);
  if (kind !== 'file') throw refuseFolder(uri);
  return { input, identity: uri };
}

/** A pipe or a device can be read once only. */
async function describeLocal(
  path: string,
  contentType: ContentType,
  folder: string,
  { interrupts }: Context,
): Promise<FoundInput> {
  const { kind } = await describePath(path);
  if (kind === 'folder') throw refuseFolder(path);
  if (kind === 'file') return { input: path, identity: `${path}:${await describeVersion(path)}` };
  const input = join(folder, `input.${contentType}`);
  await spoolInput({ path }, input, interrupts.signal);
  return { input, identity: input };
}

function refuseFolder(path: string): InvalidInput {
  return new InvalidInput(`${path} is a folder, and no file to predict`, {
    hint: 'name one file; several can be joined on stdin',
  });
}
