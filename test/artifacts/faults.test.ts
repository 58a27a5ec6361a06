import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { downloadArtifact } from '../../src/artifacts/download.ts';
import { uploadFile } from '../../src/artifacts/upload.ts';
import { resolveRunsTo } from '../setup/artifact-resolver.ts';
import { startAzureServer } from '../setup/azure.ts';
import { createTestContext, type TestContext } from '../setup/context.ts';
import { DBFS_TOKEN, startDbfsServer } from '../setup/dbfs.ts';
import { type FaultyProxy, startFaultyProxy } from '../setup/faulty-proxy.ts';
import { startGcsServer, whyNoGcs } from '../setup/gcs.ts';
import { type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { startS3Server } from '../setup/s3.ts';

interface Kind {
  readonly name: string;
  readonly reason?: string | undefined;
  /** Whether what arrives damaged is found, and on which way. */
  readonly finds: 'nothing' | 'damaged downloads' | 'damage both ways';
  /** Not fake-gcs-server: asked how much of an upload has come, it takes it for ended. */
  readonly isResumable?: boolean;
  readonly trackingUri?: (proxy: FaultyProxy) => string;
  start(): Promise<{ readonly server: RunningServer; readonly base: string }>;
  env(proxy: FaultyProxy): Record<string, string>;
}

const AZURE_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const KINDS: readonly Kind[] = [
  {
    name: 'S3',
    finds: 'damaged downloads',
    async start() {
      const server = await startS3Server();
      await server.createBucket('lake');
      return { server, base: 's3://lake/runs' };
    },
    env: ({ uri }) => ({
      MLFLOW_S3_ENDPOINT_URL: uri,
      AWS_ACCESS_KEY_ID: 'test-key',
      AWS_SECRET_ACCESS_KEY: 'test-secret',
    }),
  },
  {
    name: 'Google Cloud Storage',
    reason: await whyNoGcs(),
    isResumable: false,
    finds: 'damage both ways',
    async start() {
      const server = await startGcsServer();
      await server.createBucket('lake');
      return { server, base: 'gs://lake/runs' };
    },
    env: ({ uri }) => ({ STORAGE_EMULATOR_HOST: uri }),
  },
  {
    name: 'Azure blobs',
    finds: 'damage both ways',
    async start() {
      const server = await startAzureServer();
      await server.createContainer('lake');
      const base = `wasbs://lake@${server.account}.blob.core.windows.net/runs`;
      return { server: { ...server, uri: new URL(server.uri).origin }, base };
    },
    env: ({ uri }) => ({
      AZURE_STORAGE_CONNECTION_STRING: `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${AZURE_KEY};BlobEndpoint=${uri}/devstoreaccount1;`,
    }),
  },
  {
    name: 'an MLflow server',
    finds: 'nothing',
    start: async () => ({ server: await startMlflowServer(), base: 'mlflow-artifacts:/runs' }),
    env: () => ({
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '5',
      MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0.1',
    }),
    trackingUri: ({ uri }) => uri,
  },
  {
    name: 'DBFS',
    finds: 'nothing',
    start: async () => ({ server: await startDbfsServer(), base: 'dbfs:/runs' }),
    env: ({ uri }) => ({
      DATABRICKS_HOST: uri,
      DATABRICKS_TOKEN: DBFS_TOKEN,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '5',
      MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0.1',
    }),
    trackingUri: () => 'databricks',
  },
];

describe.each(KINDS)('$name', ({ reason, finds, isResumable = true, trackingUri, start, env }) => {
  const content = randomBytes(5_000_000);
  let server: RunningServer;
  let proxy: FaultyProxy;
  let base: string;
  let folder: string;
  let context: TestContext;

  beforeAll(async () => {
    if (reason !== undefined) return;
    const started = await start();
    server = started.server;
    base = started.base;
    proxy = await startFaultyProxy(server.uri);
  });
  beforeEach(async () => {
    if (reason !== undefined) return;
    folder = await mkdtemp(join(tmpdir(), 'mlts-faults-'));
    context = createTestContext({ cwd: folder, env: env(proxy) });
    await writeFile(join(folder, 'big.bin'), content);
    proxy.faults.length = 0;
    return () => rm(folder, { recursive: true, force: true });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  const skipped = reason === undefined ? '' : ` (skipped: ${reason})`;
  const tracking = (): string => trackingUri?.(proxy) ?? 'sqlite:///x.db';
  const findsDownloads = finds !== 'nothing';
  const upload = (): Promise<unknown> =>
    uploadFile('big.bin', { base, folder: '', trackingUri: tracking() }, context);
  const download = (file = 'big.bin'): Promise<string> =>
    downloadArtifact(`${base}/${file}`, join(folder, 'to'), context, {
      ...resolveRunsTo(base),
      trackingUri: tracking(),
    });

  describe.skipIf(reason)(`a bad network${skipped}`, () => {
    test('a download that is cut off goes on where it was, and says so', async () => {
      await upload();
      proxy.faults.push('cut the answer', 'cut the answer');
      expect((await readFile(await download())).equals(content)).toBe(true);
      expect(context.said.stderr).toMatch(
        /retry 1 of 5: `big\.bin` broke off after \d+ of 5000000/,
      );
      expect(context.said.stderr).toMatch(/retry 2 of 5( in 1 s)?: `big\.bin` broke off/);
    });

    test.runIf(findsDownloads)('a download that arrives damaged is downloaded again', async () => {
      await upload();
      proxy.faults.push('damage the answer');
      expect((await readFile(await download())).equals(content)).toBe(true);
      expect(context.said.stderr).toMatch(/retry 1 of 5: `big\.bin` arrived damaged: its \w+ is/);
    });

    test.runIf(findsDownloads)(
      'damage in a part before the connection broke is found too',
      async () => {
        await upload();
        proxy.faults.push('damage the answer', 'cut the answer');
        expect((await readFile(await download())).equals(content)).toBe(true);
      },
    );

    test.runIf(findsDownloads)(
      'a file that always arrives damaged is told, and nothing of it stays',
      async () => {
        await upload();
        proxy.faults.push(...Array.from({ length: 6 }, () => 'damage the answer' as const));
        await expect(download()).rejects.toMatchObject({
          code: 'TEMPORARILY_UNAVAILABLE',
          message: expect.stringMatching(/`big\.bin` arrived damaged/),
          hint: expect.stringContaining('try again'),
        });
        expect(await readdir(join(folder, 'to'))).toEqual([]);
      },
    );

    test('an upload that is cut off is sent again, and says so', async () => {
      proxy.faults.push('cut the request');
      await upload();
      expect(context.said.stderr).toMatch(/retry 1 of 5: /);
      expect((await readFile(await download())).equals(content)).toBe(true);
    });

    test('a large upload that is cut off comes whole all the same', async () => {
      const large = randomBytes(20_000_001);
      await writeFile(join(folder, 'big.bin'), large);
      proxy.faults.push(isResumable ? 'cut the request' : '503');
      await upload();
      expect(context.said.stderr).toMatch(/retry 1 of 5: /);
      expect((await readFile(await download())).equals(large)).toBe(true);
    });

    test.runIf(finds === 'damage both ways')(
      'an upload that arrives damaged is sent again',
      async () => {
        proxy.faults.push('damage the request');
        await upload();
        expect(context.said.stderr).toMatch(/retry 1 of 5: /);
        expect((await readFile(await download())).equals(content)).toBe(true);
      },
    );

    test('a store that is busy is asked again, and says so', async () => {
      proxy.faults.push('503', '503');
      await upload();
      expect(context.said.stderr).toMatch(/retry 2 of 5( in 1 s)?: /);
    });

    test('what is not there is asked for once', async () => {
      proxy.seen.length = 0;
      await expect(download('none.bin')).rejects.toThrow(/does not exist/);
      expect(proxy.seen.filter((request) => /none\.bin/.test(request)).length).toBeLessThan(4);
      expect(context.said.stderr).not.toContain('retry');
    });
  });

  test.skipIf(reason)(`a store that cannot be reached${skipped}`, async () => {
    proxy = { ...proxy, uri: 'http://127.0.0.1:9' };
    context = createTestContext({ cwd: folder, env: env(proxy) });
    await expect(upload()).rejects.toMatchObject({
      code: 'TEMPORARILY_UNAVAILABLE',
      message: expect.stringMatching(/ECONNREFUSED|refused/),
      hint: expect.stringMatching(/check/),
    });
    expect(context.said.stderr).toContain('retry 5 of 5');
  });
});
