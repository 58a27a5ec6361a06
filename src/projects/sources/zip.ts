import { join } from 'node:path';
import { InvalidInput, MltsError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { makeFolder, removeFolder } from '../../host/folders.ts';
import { downloadFile } from '../../host/http/download.ts';
import { makeTemporaryFolder } from '../../host/temporary-folder.ts';
import { unpackZip, type ZipLimits } from '../../host/zip.ts';
import { hideCredentials } from './uri.ts';

const MAX_DOWNLOAD_BYTES = 4_000_000_000;

/** Far above any project with its data, far below what fills a disk before somebody notices. */
const LIMITS: ZipLimits = {
  maxMembers: 100_000,
  maxTotalBytes: 20_000_000_000,
  ratioFreeBytes: 200_000_000,
  maxRatio: 100,
};

/** An unpacked archive; disposing of it removes the folder. */
export interface Unpacked extends AsyncDisposable {
  readonly directory: string;
}

/**
 * Unpacks a `.zip`, from a path or an http(s) URL, into a temporary folder.
 *
 * @throws InvalidInput for an archive that is broken, dangerous or too large; nothing of it stays.
 */
export async function unpackArchive(location: string, context: Context): Promise<Unpacked> {
  const parent = await makeTemporaryFolder('mlts-', context.env);
  const directory = join(parent, 'project');
  const dispose = (): Promise<void> => removeFolder(parent);
  try {
    await makeFolder(directory);
    const file = await bringArchive(location, join(parent, 'project.zip'), context);
    await unpackZip(file, directory, { limits: LIMITS, signal: context.interrupts.signal });
    return { directory, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw nameArchive(error, location);
  }
}

/** The archive's path: its own, or `target`, into which a remote one is downloaded. */
async function bringArchive(location: string, target: string, context: Context): Promise<string> {
  if (!/^https?:/i.test(location)) return location;
  const shown = `downloading ${hideCredentials(location)}`;
  await context.terminal.progress(shown, (update) =>
    downloadFile(location, target, context, {
      maxBytes: MAX_DOWNLOAD_BYTES,
      onProgress: (received, total) => update(`${shown}: ${describeProgress(received, total)}`),
    }),
  );
  return target;
}

function describeProgress(received: number, total: number | undefined): string {
  const megabytes = `${(received / 1_000_000).toFixed(1)} MB`;
  return total === undefined ? megabytes : `${megabytes}, ${Math.floor((100 * received) / total)}%`;
}

function nameArchive(error: unknown, location: string): unknown {
  if (!(error instanceof MltsError)) return error;
  const message = `cannot use the archive ${hideCredentials(location)}: ${error.message}`;
  const details = { hint: hintOf(error), cause: error };
  return error instanceof InvalidInput
    ? new InvalidInput(message, details)
    : new MltsError(error.code, message, details);
}

/** The HTTP client's own hints are about tracking servers. */
function hintOf({ code, hint }: MltsError): string | undefined {
  if (code === 'UNAUTHENTICATED') return 'write user and password into the URL, or download it';
  if (code === 'RESOURCE_DOES_NOT_EXIST') return 'check the URL';
  return hint;
}
