import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openArtifactStore } from '../../src/artifacts/open.ts';
import { testArtifactStore } from '../contracts/artifact-store.ts';
import { startAzureServer } from '../setup/azure.ts';
import { createTestContext } from '../setup/context.ts';
import { startDbfsServer } from '../setup/dbfs.ts';
import { startGcsServer, whyNoGcs } from '../setup/gcs.ts';
import { startMlflowServer } from '../setup/mlflow.ts';
import { startS3Server } from '../setup/s3.ts';

const ends: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(ends.map((end) => end())));

let count = 0;
function nextFolder(): string {
  count += 1;
  return `store-${count}`;
}

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-stores-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

testArtifactStore(
  'a folder',
  async () => {
    const folder = await createFolder();
    return { createBase: () => join(folder, nextFolder()) };
  },
  { keepsEmptyFolders: true },
);

testArtifactStore('S3', async () => {
  const server = await startS3Server();
  ends.push(() => server.stop());
  await server.createBucket('lake');
  return { createBase: () => `s3://lake/${nextFolder()}`, env: server.env };
});

testArtifactStore(
  'Google Cloud Storage',
  async () => {
    const server = await startGcsServer();
    ends.push(() => server.stop());
    await server.createBucket('lake');
    return { createBase: () => `gs://lake/${nextFolder()}`, env: server.env };
  },
  { skippedBecause: await whyNoGcs() },
);

for (const [name, scheme, service] of [
  ['Azure blobs', 'wasbs', 'blob'],
  ['an Azure data lake, asked for blobs', 'abfss', 'dfs'],
]) {
  testArtifactStore(name ?? '', async () => {
    const server = await startAzureServer();
    ends.push(() => server.stop());
    await server.createContainer('lake');
    const host = `${server.account}.${service}.core.windows.net`;
    return { createBase: () => `${scheme}://lake@${host}/${nextFolder()}`, env: server.env };
  });
}

testArtifactStore('DBFS', async () => {
  const server = await startDbfsServer();
  ends.push(() => server.stop());
  const { env } = server;
  return { createBase: () => `dbfs:/ml/${nextFolder()}`, env, trackingUri: 'databricks' };
});

testArtifactStore(
  'an MLflow server',
  async () => {
    const server = await startMlflowServer();
    ends.push(() => server.stop());
    const createBase = (): string => `mlflow-artifacts:/${nextFolder()}`;
    return { createBase, trackingUri: server.uri };
  },
  { isMlflowServer: true, hidesEmptySizes: true },
);

test.each([
  ...['/', 'file:///', 's3://lake', 's3://lake/', 'mlflow-artifacts:/', 'gs://lake', 'dbfs:/'],
  ...['wasbs://lake@me.blob.core.windows.net', 'abfss://lake@me.dfs.core.windows.net/'],
])('all of %s is never deleted', async (base) => {
  const env = {
    ...{ AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's' },
    AZURE_STORAGE_ACCESS_KEY: 'aw==',
  };
  const store = await openArtifactStore(base, createTestContext({ env }), 'http://127.0.0.1:9');
  await expect(store.delete('', AbortSignal.timeout(10_000))).rejects.toThrow(
    /is no place below a store, but all of one/,
  );
});

test('a link is deleted, what it leads to stays', async () => {
  const folder = await createFolder();
  await writeFile(join(folder, 'kept.txt'), 'x');
  const base = await createFolder();
  await symlink(folder, join(base, 'linked'));
  const store = await openArtifactStore(base, createTestContext(), '');
  expect(await store.delete('linked', AbortSignal.timeout(10_000))).toEqual({
    files: 1,
    sizeBytes: 0,
  });
  const kept = await openArtifactStore(folder, createTestContext(), '');
  expect(await kept.list('', AbortSignal.timeout(10_000))).toMatchObject([{ path: 'kept.txt' }]);
});
