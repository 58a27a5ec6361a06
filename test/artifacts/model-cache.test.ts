import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deliverArtifact } from '../../src/artifacts/delivery.ts';
import { fetchModel } from '../../src/artifacts/fetch-model.ts';
import { rewriteModelFiles } from '../../src/artifacts/rewrite.ts';
import { uploadFolder } from '../../src/artifacts/upload.ts';
import { openRegistryStore } from '../../src/registry/open.ts';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { withResolver } from '../setup/artifact-resolver.ts';
import { createTestContext, type TestContext } from '../setup/context.ts';
import { type CountingProxy, startCountingProxy } from '../setup/counting-proxy.ts';
import { type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { type S3Server, startS3Server } from '../setup/s3.ts';

let s3: S3Server;
let proxy: CountingProxy;
let folder: string;
let trackingUri: string;
let count = 0;

beforeAll(async () => {
  s3 = await startS3Server();
  proxy = await startCountingProxy(s3.uri);
  await s3.createBucket('lake');
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-model-cache-'));
  trackingUri = `sqlite:///${folder}/m.db`;
});
afterAll(async () => {
  await proxy?.stop();
  await s3?.stop();
});

const createContext = (env: Record<string, string> = {}, now = Date.now): TestContext => ({
  ...createTestContext({
    cwd: folder,
    env: {
      ...s3.env,
      MLFLOW_S3_ENDPOINT_URL: proxy.uri,
      MLTS_CACHE_DIR: join(folder, 'cache'),
      TMPDIR: folder,
      ...env,
    },
  }),
  now,
});

const FILES = { MLmodel: 'flavors: {}', 'data/big.bin': 'B'.repeat(100_000), 'data/none': '' };

/** A version of a model whose files are in S3; returns its address and where they are. */
async function register(files: Readonly<Record<string, string>> = FILES) {
  count += 1;
  const prefix = `models/${count}`;
  for (const [path, text] of Object.entries(files)) {
    await s3.put('lake', `${prefix}/${path}`, text);
  }
  const registry = await openRegistryStore(trackingUri, createContext());
  const name = `m${count}`;
  await registry.createModel({ name });
  await registry.createVersion({ name, source: `s3://lake/${prefix}` });
  await registry.close();
  return { uri: `models:/${name}/1`, prefix };
}

const fetch = (uri: string, context = createContext()): Promise<string> =>
  withResolver(trackingUri, context, async (resolver) => {
    const { folder } = await fetchModel(uri, context, resolver);
    return folder;
  });

const deliver = (uri: string, context = createContext(), usesCache = true): Promise<string> =>
  withResolver(trackingUri, context, (resolver) =>
    deliverArtifact(uri, join(folder, 'to'), context, resolver, { usesCache }),
  );

/** Keys of the objects whose content was asked for since the last call. */
function takeDownloads(): readonly string[] {
  const asked = proxy.requests.splice(0);
  const objects = asked.filter((line) => line.startsWith('GET') && !line.includes('list-type=2'));
  return objects.map((line) => /\/lake\/models\/\d+\/([^?]*)/.exec(line)?.[1] ?? line).sort();
}

async function readTree(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const read = entries
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [file.slice(path.length + 1), await readFile(file, 'utf8')] as const;
    });
  return Object.fromEntries(await Promise.all(read));
}

const listCache = (part: string): Promise<readonly string[]> =>
  readdir(join(folder, 'cache/models', part)).catch(() => []);

describe('a model in S3', () => {
  test('is transferred once', async () => {
    const { uri } = await register();
    takeDownloads();
    const first = await fetch(uri);
    expect(takeDownloads()).toEqual(['MLmodel', 'data/big.bin', 'data/none']);
    expect(await readTree(first)).toEqual(FILES);
    expect(await fetch(uri)).toBe(first);
    expect(takeDownloads()).toEqual([]);
    expect(await listCache('incoming')).toEqual([]);
  });

  test('is copied to where it is asked for, with its name beside it, and the copy may be changed', async () => {
    const { uri } = await register();
    takeDownloads();
    for (const round of [1, 2]) {
      const path = await deliver(uri);
      expect(path).toBe(join(folder, 'to'));
      const { registered_model_meta: meta, ...files } = await readTree(path);
      expect(files).toEqual(FILES);
      expect(meta).toMatch(/model_name: '?m\d+'?\nmodel_version: '1'\n/);
      await appendFile(join(path, 'MLmodel'), `changed ${round}`);
    }
    expect(takeDownloads()).toHaveLength(3);
  });

  test('without the cache it is transferred each time, and nothing is kept', async () => {
    const { uri } = await register();
    takeDownloads();
    await deliver(uri, createContext(), false);
    await deliver(uri, createContext({ MLTS_MODEL_CACHE: 'off' }));
    const temporary = await fetch(uri, createContext({ MLTS_MODEL_CACHE: 'off' }));
    expect(await readTree(temporary)).toEqual(FILES);
    expect(takeDownloads()).toHaveLength(9);
    expect(await readdir(join(folder, 'cache')).catch(() => [])).not.toContain('models');
  });

  test('a file that was replaced comes anew, with the same size too', async () => {
    const { uri, prefix } = await register();
    const before = await fetch(uri);
    takeDownloads();
    await s3.put('lake', `${prefix}/MLmodel`, 'flavors: []');
    const after = await fetch(uri);
    expect(takeDownloads()).toEqual(['MLmodel']);
    expect(await readTree(after)).toEqual({ ...FILES, MLmodel: 'flavors: []' });
    expect(after).not.toBe(before);
  });

  test('a file that is gone or new is so here', async () => {
    const { uri, prefix } = await register({ MLmodel: 'x', 'a.bin': 'A' });
    await fetch(uri);
    await s3.put('lake', `${prefix}/b.bin`, 'B');
    expect(await readTree(await fetch(uri))).toEqual({ MLmodel: 'x', 'a.bin': 'A', 'b.bin': 'B' });
  });

  test('what models share is stored once', async () => {
    const one = await register();
    const same = await register();
    const other = await register({ ...FILES, MLmodel: 'another' });
    expect(await fetch(one.uri)).toBe(await fetch(same.uri));
    await fetch(other.uri);
    expect(await listCache('trees')).toHaveLength(2);
    expect(await listCache('blobs')).toHaveLength(4);
  });

  test('many that ask at once transfer it once', async () => {
    const { uri } = await register();
    takeDownloads();
    const paths = await Promise.all(Array.from({ length: 6 }, () => fetch(uri)));
    expect(new Set(paths).size).toBe(1);
    expect(takeDownloads()).toHaveLength(3);
  });

  test.each([
    ['written to', async (file: string) => appendFile(file, 'spoilt')],
    ['overwritten with as many bytes', async (file: string) => writeFile(file, 'flavors: !!')],
    ['removed', async (file: string) => rm(file)],
  ])('a file of the cache that was %s is made good', async (_what, spoil) => {
    const { uri } = await register();
    const path = await fetch(uri);
    await chmod(join(path, 'MLmodel'), 0o644);
    await spoil(join(path, 'MLmodel'));
    expect(await readTree(await fetch(uri))).toEqual(FILES);
  });

  test('notes of the cache that cannot be read are made anew', async () => {
    const { uri } = await register();
    await fetch(uri);
    const [note = ''] = await listCache('sources');
    await writeFile(join(folder, 'cache/models/sources', note), '{"files": 3');
    expect(await readTree(await fetch(uri))).toEqual(FILES);
  });

  test('above its limit, what was not used for the longest time goes', async () => {
    const old = await register({ MLmodel: 'old', a: 'a'.repeat(3_000) });
    const late = await register({ MLmodel: 'late', b: 'b'.repeat(3_000) });
    const env = { MLTS_MODEL_CACHE_GB: '0.000004' };
    await fetch(
      old.uri,
      createContext(env, () => 1_000_000_000_000),
    );
    await fetch(
      late.uri,
      createContext(env, () => 1_000_000_001_000),
    );
    expect(await listCache('blobs')).toHaveLength(4); // Both may still be in use.
    const nowMs = 1_000_000_000_000 + 3_600_500;
    await fetch(
      late.uri,
      createContext(env, () => nowMs),
    );
    expect(await listCache('trees')).toHaveLength(1);
    expect(await listCache('blobs')).toHaveLength(2);
    takeDownloads();
    await fetch(late.uri, createContext(env));
    expect(takeDownloads()).toEqual([]);
  });

  test('what a killed process left is cleared away', async () => {
    const { uri } = await register();
    for (const part of ['blobs', 'trees']) {
      await mkdir(join(folder, 'cache/models', part), { recursive: true });
    }
    await writeFile(join(folder, 'cache/models/blobs', 'f'.repeat(64)), 'half');
    await mkdir(join(folder, 'cache/models/trees', `${'e'.repeat(64)}.partial`));
    await fetch(uri);
    expect(await listCache('blobs')).toHaveLength(3);
    expect(await listCache('trees')).toHaveLength(1);
  });

  test('an interrupt leaves nothing half made', async () => {
    const { uri } = await register({ MLmodel: 'x', 'big.bin': 'B'.repeat(30_000_000) });
    const context = createContext();
    takeDownloads();
    const fetching = fetch(uri, context);
    const watch = setInterval(() => {
      if (proxy.requests.some((line) => line.includes('big.bin'))) context.interrupt();
    }, 1);
    await expect(fetching).rejects.toMatchObject({ name: 'Interrupted' });
    clearInterval(watch);
    expect(await listCache('trees')).toEqual([]);
    expect(await listCache('incoming')).toEqual([]);
  });

  test('a model that is not there leaves no trace', async () => {
    const { uri } = await register({});
    await expect(fetch(uri)).rejects.toMatchObject({ code: 'RESOURCE_DOES_NOT_EXIST' });
    expect(await listCache('sources')).toEqual([]);
  });

  test('a cache that cannot be made is told with the mend', async () => {
    const { uri } = await register();
    await writeFile(join(folder, 'file'), '');
    const context = createContext({ MLTS_MODEL_CACHE: 'file/models' });
    await expect(fetch(uri, context)).rejects.toMatchObject({
      code: 'INVALID_PARAMETER_VALUE',
      hint: expect.stringContaining('MLTS_MODEL_CACHE'),
    });
  });
});

test('a model on this machine is left where it is', async () => {
  const store = await openTrackingStore(trackingUri, createContext());
  const { id, artifactUri: base } = await store.loggedModels.create({ experimentId: '0' });
  await store.close();
  await mkdir(join(folder, 'made'));
  await writeFile(join(folder, 'made/MLmodel'), 'x');
  await uploadFolder(join(folder, 'made'), { base, folder: '', trackingUri }, createContext());
  expect(await fetch(`models:/${id}`)).toBe(base);
  expect(await fetch('made')).toBe(join(folder, 'made'));
  expect(await listCache('')).toEqual([]);
});

describe('a model that an MLflow server hands out, which knows no versions of files', () => {
  let server: RunningServer;
  let counting: CountingProxy;
  beforeAll(async () => {
    server = await startMlflowServer();
    counting = await startCountingProxy(server.uri);
  });
  afterAll(async () => {
    await counting?.stop();
    await server?.stop();
  });

  test('is transferred once, and again where the model has changed', async () => {
    const context = createContext();
    const store = await openTrackingStore(server.uri, context);
    const { id, artifactUri: base } = await store.loggedModels.create({ experimentId: '0' });
    const upload = async (text: string): Promise<void> => {
      await mkdir(join(folder, 'made'), { recursive: true });
      await writeFile(join(folder, 'made/MLmodel'), text);
      const target = { base, folder: '', trackingUri: server.uri };
      await uploadFolder(join(folder, 'made'), target, context);
    };
    const download = async () => {
      counting.requests.splice(0);
      const { folder: path } = await withResolver(counting.uri, context, (resolver) =>
        fetchModel(`models:/${id}`, context, resolver),
      );
      const files = counting.requests.filter((line) => line.endsWith('/artifacts/MLmodel'));
      return { text: await readFile(join(path, 'MLmodel'), 'utf8'), requests: files.length };
    };
    await upload('one');
    expect(await download()).toEqual({ text: 'one', requests: 1 });
    expect(await download()).toEqual({ text: 'one', requests: 0 });
    await upload('two');
    await store.loggedModels.finalize(id, 'READY');
    expect(await download()).toEqual({ text: 'two', requests: 1 });
    await store.close();
  });

  test('and again where its requirements were changed in place', async () => {
    const context = createContext();
    const store = await openTrackingStore(counting.uri, context);
    const { id, artifactUri: base } = await store.loggedModels.create({ experimentId: '0' });
    await store.loggedModels.finalize(id, 'READY');
    await store.close();
    await mkdir(join(folder, 'made'));
    await writeFile(join(folder, 'made/requirements.txt'), 'six==1.0');
    await uploadFolder(
      join(folder, 'made'),
      { base, folder: '', trackingUri: counting.uri },
      context,
    );
    const registry = await openRegistryStore(counting.uri, context);
    await registry.createModel({ name: 'rewritten' });
    await registry.createVersion({ name: 'rewritten', source: `models:/${id}`, modelId: id });
    await registry.close();
    const download = (uri: string) =>
      withResolver(counting.uri, context, async (resolver) => {
        const { folder: path } = await fetchModel(uri, context, resolver);
        return readFile(join(path, 'requirements.txt'), 'utf8');
      });
    const rewrite = (text: string) =>
      withResolver(counting.uri, context, (resolver) =>
        rewriteModelFiles(
          `models:/${id}`,
          ['requirements.txt'],
          async () => ({ 'requirements.txt': text }),
          { context, resolver },
        ),
      );
    expect(await download(`models:/${id}`)).toBe('six==1.0');
    await rewrite('six==2.0');
    expect(await download(`models:/${id}`)).toBe('six==2.0');
    expect(await download('models:/rewritten/1')).toBe('six==2.0');
    await rewrite('six==3.0');
    expect(await download('models:/rewritten/1')).toBe('six==3.0');
  });
});
