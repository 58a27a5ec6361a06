import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidInput, NotFound } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { kindOf } from '../../host/files.ts';
import type { Checkout } from './checkout.ts';
import {
  findWorkingTree,
  isBareRepository,
  NO_FACTS,
  nameLocalSource,
  readRepositoryFacts,
} from './repository.ts';
import type { ProjectSource } from './source.ts';
import { enterSubdirectory } from './subdirectory.ts';
import { type ProjectUri, parseProjectUri, stripUserInfo } from './uri.ts';
import { checkVersion, noVersions } from './version.ts';

export interface FetchOptions {
  /** Branch, tag, or commit, whole or shortened. */
  readonly version?: string | undefined;
  /** False: nobody asks for the commit of a folder, so git, which may run what its settings say, is not started. */
  readonly needsFacts?: boolean;
}

/**
 * Brings a project to a local folder: a folder is used where it is, everything else is put into a
 * temporary one that disposing of the source removes. A working tree of the user's is never changed.
 *
 * @throws InvalidInput or NotFound for what the user named wrongly, ToolError with git's own words,
 * Unavailable for a server that cannot be reached, Interrupted. Nothing is left behind then.
 */
export async function fetchProjectSource(
  uri: string,
  { version, needsFacts = true }: FetchOptions,
  context: Context,
): Promise<ProjectSource> {
  if (version !== undefined) checkVersion(version);
  const parsed = await lookAt(parseProjectUri(uri), context);
  switch (parsed.kind) {
    case 'local':
      return version === undefined
        ? openFolder(parsed, needsFacts, context)
        : openVersionOfFolder(parsed, version, context);
    case 'zip':
      if (version !== undefined) throw noVersions(version, 'an archive');
      return openArchive(parsed, context);
    case 'git':
      return openRemote(parsed, version, context);
  }
}

/** Settles what the form alone could not: paths are made absolute and looked for, as MLflow does first. */
async function lookAt(parsed: ProjectUri, { cwd }: Context): Promise<ProjectUri> {
  const { kind, location, text } = parsed;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(location)) return parsed;
  const path = resolve(cwd, location);
  const found = await kindOf(path);
  if (kind === 'git') {
    if (found !== 'directory') return parsed;
    return { ...parsed, location: path, kind: text.startsWith('git+') ? 'git' : 'local' };
  }
  if (found === 'directory') {
    if (!(await isBareRepository(path))) return { ...parsed, location: path, kind: 'local' };
    // As a URL: Git LFS knows no remotes that are paths.
    const url = pathToFileURL(path).href;
    const name = [url, parsed.subdirectory].filter(Boolean).join('#');
    return { ...parsed, location: url, kind: 'git', text: name };
  }
  if (found === 'file' && kind === 'zip') return { ...parsed, location: path };
  throw found === 'file' ? notAFolder(location) : nothingThere(location, path);
}

function notAFolder(location: string): InvalidInput {
  return new InvalidInput(`the project \`${location}\` is a file, not a folder`, {
    hint: 'name the folder it is in, and the file with --entry-point',
  });
}

function nothingThere(location: string, path: string): NotFound {
  const looksRemote = /^[\w-]+(\.[\w-]+)+\/[^/]+\/[^/]/.test(location);
  const place = location === path ? '' : ` (${path})`;
  return new NotFound(`there is no project at \`${location}\`${place}`, {
    hint: looksRemote
      ? `for a repository on a server write https://${location}`
      : 'name a folder, a .zip file or a Git repository',
  });
}

async function openFolder(
  parsed: ProjectUri,
  needsFacts: boolean,
  context: Context,
): Promise<ProjectSource> {
  const { location, subdirectory, text } = parsed;
  const directory = await enterSubdirectory(location, subdirectory, {
    name: location,
    isFetched: false,
  });
  const top = await findWorkingTree(directory);
  const isTold = needsFacts && top !== undefined;
  const facts = isTold ? await readRepositoryFacts(top, directory, context) : NO_FACTS;
  return {
    directory,
    name: subdirectory === '' ? nameLocalSource(location, top) : text,
    ...facts,
    branch: undefined,
    [Symbol.asyncDispose]: async () => {},
  };
}

async function openVersionOfFolder(
  parsed: ProjectUri,
  version: string,
  context: Context,
): Promise<ProjectSource> {
  const { location, subdirectory, text } = parsed;
  const top = await findWorkingTree(location);
  if (top === undefined) throw noVersions(version, `the folder ${location}`);
  const name = nameLocalSource(location, top);
  const { checkOutLocal, openLocalRepository } = await import('./local.ts');
  const repository = await openLocalRepository(top, context);
  const { remote } = repository;
  const checkout = await checkOutLocal(repository, version, context);
  return finishCheckout(checkout, {
    name: subdirectory === '' ? name : text,
    subdirectory: [relative(top, location), subdirectory].filter(Boolean).join('/'),
    repositoryUrl: remote === undefined ? undefined : stripUserInfo(remote.url),
  });
}

async function openRemote(
  { location, subdirectory, text }: ProjectUri,
  version: string | undefined,
  context: Context,
): Promise<ProjectSource> {
  const { checkOutRemote } = await import('./mirror.ts');
  const checkout = await checkOutRemote(location, version, context);
  const repositoryUrl = stripUserInfo(location);
  return finishCheckout(checkout, { name: text, subdirectory, repositoryUrl });
}

interface Description {
  readonly name: string;
  readonly subdirectory: string;
  readonly repositoryUrl: string | undefined;
}

async function finishCheckout(
  checkout: Checkout,
  { name, subdirectory, repositoryUrl }: Description,
): Promise<ProjectSource> {
  const { directory: top, commit, branch } = checkout;
  const dispose = (): PromiseLike<void> => checkout[Symbol.asyncDispose]();
  try {
    const directory = await enterSubdirectory(top, subdirectory, { name, isFetched: true });
    const facts = { commit, branch, repositoryUrl, isDirty: false };
    return { directory, name, ...facts, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function openArchive(parsed: ProjectUri, context: Context): Promise<ProjectSource> {
  const { location, subdirectory, text } = parsed;
  const isRemote = /^https?:/i.test(location);
  const top = isRemote ? undefined : await findWorkingTree(location);
  const { unpackArchive } = await import('./zip.ts');
  const archive = await unpackArchive(location, context);
  const dispose = (): PromiseLike<void> => archive[Symbol.asyncDispose]();
  try {
    return {
      directory: await enterSubdirectory(archive.directory, subdirectory, {
        name: text,
        isFetched: true,
      }),
      name: isRemote || subdirectory !== '' ? text : nameLocalSource(location, top),
      ...NO_FACTS,
      branch: undefined,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
