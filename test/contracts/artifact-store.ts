import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openArtifactStore } from '../../src/artifacts/open.ts';
import type { ArtifactStore } from '../../src/artifacts/store.ts';
import { fetchTree, measureTree } from '../../src/artifacts/tree.ts';
import { createTestContext, type TestContext } from '../setup/context.ts';

/** Where a kind of store is, and how it is reached. */
export interface ArtifactPlaces {
  /** The URI of a new, empty folder below which nobody else writes. */
  createBase(): string;
  readonly env?: Readonly<Record<string, string>>;
  readonly trackingUri?: string;
}

export interface StoreTraits {
  /** Object stores have no folders, only names with `/` in them. */
  readonly keepsEmptyFolders?: boolean;
  /** Behind MLflow's REST API there are no names with `#`. */
  readonly isMlflowServer?: boolean;
  /** MLflow's own server says of an empty file no size. */
  readonly hidesEmptySizes?: boolean;
  readonly skippedBecause?: string | undefined;
}

/** What every kind of artifact store has to do, whatever is behind it. */
export function testArtifactStore(
  name: string,
  open: () => Promise<ArtifactPlaces>,
  traits: StoreTraits = {},
): void {
  const reason = traits.skippedBecause;
  const title = `artifacts: ${name}${reason ? ` (skipped: ${reason})` : ''}`;
  describe.skipIf(reason !== undefined)(title, () => {
    let places: ArtifactPlaces;
    let folder: string;
    let context: TestContext;
    let base: string;
    let store: ArtifactStore;
    const { signal } = new AbortController();

    beforeAll(async () => {
      places = await open();
    });
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'mlts-store-'));
      context = createTestContext({ cwd: folder, env: { HOME: folder, ...places.env } });
      base = places.createBase();
      store = await openArtifactStore(base, context, places.trackingUri ?? 'sqlite:///m.db');
    });
    afterEach(async () => {
      await store?.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function put(path: string, content: string | Buffer): Promise<void> {
      const file = join(folder, 'source');
      await writeFile(file, content);
      const sizeBytes = Buffer.byteLength(content);
      await store.write(path, { file, sizeBytes, signal, onBytes: () => {} });
    }

    async function read(path: string): Promise<Buffer> {
      const target = join(folder, 'arrived');
      await fetchTree(store, path, target, { signal, onBytes: () => {} });
      return readFile(target);
    }

    async function listPaths(path: string): Promise<readonly string[]> {
      return (await store.list(path, signal)).map((entry) => entry.path).sort();
    }

    test('what is written is read, under names of all kinds, and in place of what was there', async () => {
      const odd = traits.isMlflowServer ? 'a&c=d;e.txt' : 'a#b&c=d;e.txt';
      const names = ['plain.txt', 'in/to/50% off + más?.csv', odd, 'in/größe [1].bin'];
      const content = randomBytes(70_000);
      for (const path of names) {
        await put(path, 'older, and of another length');
        await put(path, content);
        expect((await read(path)).equals(content)).toBe(true);
      }
      expect(await listPaths('')).toEqual([odd, 'in', 'plain.txt']);
      expect(await listPaths('in')).toEqual(['in/größe [1].bin', 'in/to']);
    });

    test('an empty file stays one', async () => {
      await put('none.txt', '');
      expect((await read('none.txt')).length).toBe(0);
      const sizeBytes = traits.hidesEmptySizes ? undefined : 0;
      expect(await store.list('', signal)).toMatchObject([{ path: 'none.txt', sizeBytes }]);
    });

    test('a large file is the same afterwards, and can be read from its middle', async () => {
      const content = randomBytes(20_000_001);
      await put('big.bin', content);
      expect((await read('big.bin')).equals(content)).toBe(true);
      const start = await store.read('big.bin', { offset: 0, version: undefined }, signal);
      start.stream.destroy();
      const { version } = start;
      const rest = await store.read('big.bin', { offset: 19_000_000, version }, signal);
      const arrived = Buffer.concat(await rest.stream.toArray());
      expect(arrived.equals(content.subarray(rest.offset))).toBe(true);
    });

    test('a listing tells sizes, and folders from files; of a file nothing is listed', async () => {
      await put('a.txt', 'A');
      await put('deep/er/b.bin', 'BBB');
      const entries = (await store.list('', signal)).toSorted((a, b) => (a.path < b.path ? -1 : 1));
      // Where the store has versions of files, a listing tells them, and another content is another one.
      const versionOf = async () =>
        (await store.list('', signal)).find(({ path }) => path === 'a.txt')?.version;
      const version = await versionOf();
      expect(entries).toEqual([
        {
          path: 'a.txt',
          isDirectory: false,
          sizeBytes: 1,
          ...(version === undefined ? {} : { version: expect.any(String) }),
        },
        { path: 'deep', isDirectory: true, sizeBytes: undefined },
      ]);
      await put('a.txt', 'B');
      if (version !== undefined) expect(await versionOf()).not.toBe(version);
      expect(await listPaths('a.txt')).toEqual([]);
      expect(await measureTree(store, '', signal)).toEqual({ files: 2, sizeBytes: 4 });
      expect(await measureTree(store, 'a.txt', signal)).toEqual({ files: 1, sizeBytes: 1 });
    });

    test('what is not there is told by its name', async () => {
      await put('a.txt', 'A');
      const reading = store.read('none/b.txt', { offset: 0, version: undefined }, signal);
      await expect(reading).rejects.toMatchObject({
        code: 'RESOURCE_DOES_NOT_EXIST',
        message: expect.stringContaining('none/b.txt'),
      });
    });

    test('a file is deleted, its neighbours stay', async () => {
      for (const path of ['a', 'a.txt', 'ab/c']) await put(path, path);
      expect(await store.delete('a', signal)).toEqual({ files: 1, sizeBytes: 1 });
      expect(await listPaths('')).toEqual(['a.txt', 'ab']);
    });

    test('a folder is deleted with all below it, its neighbours stay', async () => {
      const below = Array.from({ length: 25 }, (_, number) => `set/${number}/x y.txt`);
      await Promise.all(below.map((path, number) => writeAs(path, `n${number}`)));
      for (const path of ['set.txt', 'settings/a']) await put(path, 'stays');
      expect(await store.delete('set', signal)).toEqual({ files: 25, sizeBytes: 65 });
      expect(await listPaths('')).toEqual(['set.txt', 'settings']);
      expect(await listPaths('set')).toEqual([]);
    });

    test('all of a store is deleted; what is gone already is no error', async () => {
      for (const path of ['a.txt', 'deep/er/b']) await put(path, path);
      expect(await store.delete('', signal)).toEqual({ files: 2, sizeBytes: 14 });
      expect(await listPaths('')).toEqual([]);
      expect(await store.delete('', signal)).toEqual({ files: 0, sizeBytes: 0 });
      expect(await store.delete('deep/none', signal)).toEqual({ files: 0, sizeBytes: 0 });
    });

    test.skipIf(traits.keepsEmptyFolders)(
      'an upload that is interrupted leaves nothing',
      async () => {
        const file = join(folder, 'source');
        await writeFile(file, randomBytes(60_000_000));
        const stop = new AbortController();
        const writing = store.write('big.bin', {
          file,
          sizeBytes: 60_000_000,
          signal: stop.signal,
          onBytes: (count) => count > 0 && stop.abort(new Error('interrupted')),
        });
        await expect(writing).rejects.toThrow('interrupted');
        expect(await listPaths('')).toEqual([]);
        await expect.poll(listOpenFiles).not.toContain(file);
      },
    );

    test('an interrupt ends a deletion', async () => {
      await put('a.txt', 'A');
      const stopped = AbortSignal.abort(new Error('interrupted'));
      await expect(store.delete('a.txt', stopped)).rejects.toThrow('interrupted');
      expect(await listPaths('')).toEqual(['a.txt']);
    });

    test.runIf(traits.keepsEmptyFolders)('an empty folder is one afterwards', async () => {
      await store.makeFolder?.('empty/er');
      expect(await store.list('empty', signal)).toMatchObject([
        { path: 'empty/er', isDirectory: true },
      ]);
    });

    /** As `put`, for several at once. */
    async function writeAs(path: string, content: string): Promise<void> {
      const file = join(folder, path.replaceAll('/', '-'));
      await mkdir(folder, { recursive: true });
      await writeFile(file, content);
      await store.write(path, { file, sizeBytes: content.length, signal, onBytes: () => {} });
    }
  });
}

/** Where Linux tells it. */
async function listOpenFiles(): Promise<readonly string[]> {
  const numbers = await readdir('/proc/self/fd').catch(() => []);
  return Promise.all(numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => '')));
}
