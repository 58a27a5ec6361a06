import { createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Entry, ZipFile } from 'yauzl';
import { InvalidInput, MltsError } from '../core/errors.ts';

export interface ZipLimits {
  readonly maxMembers: number;
  readonly maxTotalBytes: number;
  /** Below this size an archive may be as dense as it likes. */
  readonly ratioFreeBytes: number;
  /** Unpacked size over the archive's own. */
  readonly maxRatio: number;
}

const FILE_TYPE_MASK = 0o170000;
const REGULAR_FILE = 0o100000;
const DIRECTORY = 0o040000;

/**
 * Unpacks an archive into an existing, empty folder. All members are looked at before the first is
 * written: none may leave the folder, be a link or a device, come twice or be encrypted, and all
 * together must stay within `limits`.
 *
 * @throws InvalidInput for an archive that is broken, cut off or refused. The folder may then hold
 * some of it. @throws Interrupted when `signal` is aborted.
 */
export async function unpackZip(
  file: string,
  directory: string,
  { limits, signal }: { readonly limits: ZipLimits; readonly signal: AbortSignal },
): Promise<void> {
  const { openPromise } = await import('yauzl');
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(file, { lazyEntries: true, autoClose: false, strictFileNames: true });
    const members = await readMembers(zip, limits);
    checkSizes(members, (await stat(file)).size, limits);
    for (const member of members) await writeMember(zip, member, { directory, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof MltsError || isDiskError(error)) throw error;
    throw new InvalidInput(`not a whole zip archive: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    zip?.close();
  }
}

async function readMembers(zip: ZipFile, limits: ZipLimits): Promise<readonly Entry[]> {
  const members: Entry[] = [];
  for await (const member of zip.eachEntry()) {
    checkMember(member);
    members.push(member);
    if (members.length > limits.maxMembers) throw tooLarge(`more than ${limits.maxMembers} files`);
  }
  checkNames(members);
  return members;
}

function checkMember(member: Entry): void {
  const { fileName } = member;
  const type = (member.externalFileAttributes >>> 16) & FILE_TYPE_MASK;
  const problem = fileName.includes('\0')
    ? 'has a name that no file can have'
    : type !== 0 && type !== REGULAR_FILE && type !== DIRECTORY
      ? 'is a link or a device'
      : member.canDecodeFileData()
        ? undefined
        : 'is encrypted, or packed in a way that is not supported';
  if (problem !== undefined) throw new InvalidInput(`the member \`${fileName}\` ${problem}`);
}

/** Two members of one name, or one that would be a file and a folder, are made to deceive somebody. */
function checkNames(members: readonly Entry[]): void {
  const files = new Set<string>();
  for (const { fileName } of members.filter((member) => !member.fileName.endsWith('/'))) {
    const name = posix.normalize(fileName);
    if (files.has(name)) throw new InvalidInput(`the member \`${fileName}\` comes twice`);
    files.add(name);
  }
  for (const { fileName } of members) {
    const parts = posix.normalize(fileName).split('/');
    const folders = parts.slice(1).map((_part, index) => parts.slice(0, index + 1).join('/'));
    if (!folders.some((folder) => files.has(folder))) continue;
    throw new InvalidInput(`the member \`${fileName}\` lies below a file`);
  }
}

function checkSizes(members: readonly Entry[], archiveBytes: number, limits: ZipLimits): void {
  const total = members.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
  if (total > limits.maxTotalBytes) throw tooLarge(`${toMegabytes(total)} MB`);
  if (total > limits.ratioFreeBytes && total > archiveBytes * limits.maxRatio) {
    throw tooLarge(`${toMegabytes(total)} MB out of ${toMegabytes(archiveBytes)} MB`);
  }
}

function tooLarge(size: string): InvalidInput {
  return new InvalidInput(`the archive would unpack to ${size}, which is refused`, {
    hint: 'unpack it yourself if you trust it, and name the folder',
  });
}

function toMegabytes(bytes: number): number {
  return Math.ceil(bytes / 1_000_000);
}

async function writeMember(
  zip: ZipFile,
  member: Entry,
  { directory, signal }: { readonly directory: string; readonly signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted();
  const path = join(directory, member.fileName);
  if (member.fileName.endsWith('/')) {
    await mkdir(path, { recursive: true });
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  const isExecutable = ((member.externalFileAttributes >>> 16) & 0o111) !== 0;
  const content = await zip.openReadStreamPromise(member); // Fails where the size is not the stated one.
  // `wx`: never through something that is there already.
  const target = createWriteStream(path, { flags: 'wx', mode: isExecutable ? 0o755 : 0o644 });
  await pipeline(content, target, { signal });
}

/** Errors of our own file system; they say what and where by themselves. */
function isDiskError(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EMFILE', 'EIO'].includes(code ?? '');
}
