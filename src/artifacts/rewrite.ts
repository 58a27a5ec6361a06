import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { InvalidInput, MltsError, NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { cacheDirectory, withLock, writeFileAtomically } from '../host/files.ts';
import { removeFolder } from '../host/folders.ts';
import { makeTemporaryFolder } from '../host/temporary-folder.ts';
import { isLocal, joinPath, showUri } from './artifact-uri.ts';
import { type LocatedPlace, locateArtifact } from './locate.ts';
import { findModelCache, type ModelCache, nameSource } from './model-cache/cache.ts';
import { changeSource } from './model-cache/change.ts';
import { parseModelUri } from './model-uri.ts';
import { openArtifactStore } from './open.ts';
import type { ArtifactResolver, ArtifactStore } from './store.ts';

export type Texts = Readonly<Record<string, string>>;

/**
 * Changes small text files of a model where they lie: on this machine or in the store of a run. `change`
 * is given the texts of all of `names` and returns those that become others. Each file is replaced whole;
 * where one cannot be written, those that were are put back. Of several mlts on this machine one changes
 * a model at a time.
 *
 * @throws InvalidInput for a registered version, which is there to be read only; NotFound where a file is
 * missing; what `change` throws, with nothing written.
 */
export async function rewriteModelFiles(
  uri: string,
  names: readonly string[],
  change: (texts: Texts) => Promise<Texts>,
  {
    context,
    resolver,
  }: { readonly context: Context; readonly resolver: ArtifactResolver | undefined },
): Promise<void> {
  const place = await findPlace(uri, names, { context, resolver });
  const { store } = place;
  const key = createHash('sha256').update(place.address).digest('hex');
  const lock = join(cacheDirectory(context.env), 'rewriting', `${key}.lock`);
  try {
    await withLock(lock, { signal: context.interrupts.signal }, async () => {
      const before = await readAll(store, place.path, names, context);
      const after = await change(before);
      await changeSource(place.cache, place.source, context, () =>
        writeAll(place, before, after, context),
      );
    });
  } finally {
    await store.close();
  }
}

interface OpenPlace {
  readonly store: ArtifactStore;
  readonly path: string;
  readonly address: string;
  /** Undefined where nobody keeps a copy of what lies there. */
  readonly cache: ModelCache | undefined;
  /** What the cache calls it. */
  readonly source: string;
}

interface Surroundings {
  readonly context: Context;
  readonly resolver: ArtifactResolver | undefined;
}

async function findPlace(
  uri: string,
  names: readonly string[],
  { context, resolver }: Surroundings,
): Promise<OpenPlace> {
  const places = await listPlaces(uri, resolver);
  const trackingUri = resolver?.trackingUri ?? '';
  for (const { base, path } of places) {
    const store = await openArtifactStore(base, context, trackingUri);
    const entries = await store.list(path, context.interrupts.signal).catch(() => []);
    const found = entries.map((entry) => entry.path.split('/').at(-1));
    if (names.every((name) => found.includes(name)) || places.length === 1) {
      const cache = isLocal(base) ? undefined : findModelCache(context);
      const source = nameSource({ base, path }, trackingUri);
      return { store, path, address: joinPath(showUri(base), path), cache, source };
    }
    await store.close();
  }
  throw new NotFound(`there is no model at ${showUri(uri)} with ${names.join(' and ')}`);
}

async function listPlaces(
  uri: string,
  resolver: ArtifactResolver | undefined,
): Promise<readonly LocatedPlace[]> {
  if (isLocal(uri) || resolver === undefined) return [{ base: uri, path: '' }];
  if (uri.startsWith('models:') && parseModelUri(uri).model.by !== 'id') {
    throw new InvalidInput(`${uri} is a registered version, whose files stay as they are`, {
      hint: 'change the model that it was made of (runs:/RUN/NAME, models:/m-ID), and register that',
    });
  }
  return (await locateArtifact(uri, resolver)).places;
}

async function readAll(
  store: ArtifactStore,
  folder: string,
  names: readonly string[],
  { interrupts }: Context,
): Promise<Texts> {
  const from = { offset: 0, version: undefined };
  const texts: Record<string, string> = {};
  for (const name of names) {
    const { stream } = await store.read(joinPath(folder, name), from, interrupts.signal);
    texts[name] = await readText(stream);
  }
  return texts;
}

async function writeAll(
  { store, path }: OpenPlace,
  before: Texts,
  after: Texts,
  context: Context,
): Promise<void> {
  const folder = await makeTemporaryFolder('mlts-rewrite-', context.env);
  const { signal } = context.interrupts;
  const write = async (name: string, text: string, until: AbortSignal): Promise<void> => {
    const file = join(folder, name);
    await writeFileAtomically(file, text);
    const sizeBytes = Buffer.byteLength(text);
    await store.write(joinPath(path, name), { file, sizeBytes, signal: until, onBytes: () => {} });
  };
  const written: string[] = [];
  try {
    for (const [name, text] of Object.entries(after)) {
      written.push(name);
      await write(name, text, signal);
    }
  } catch (error) {
    const withoutEnd = new AbortController().signal;
    for (const name of written) {
      await write(name, before[name] ?? '', withoutEnd).catch((cause: unknown) => {
        throw new MltsError('INTERNAL_ERROR', `${name} is changed, and could not be put back`, {
          cause,
          hint: 'run the same command again when the store can be written to',
        });
      });
    }
    throw error;
  } finally {
    await removeFolder(folder);
  }
}
