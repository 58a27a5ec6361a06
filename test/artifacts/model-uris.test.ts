import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { testModelUris } from '../contracts/model-uris.ts';
import { type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';

const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'mlts-uris-'));

testModelUris('SQLite', async () => {
  const uri = `sqlite:///${await makeFolder()}/m.db`;
  return { trackingUri: uri, registryUri: uri };
});

testModelUris('a folder, registered in SQLite', async () => {
  const folder = await makeFolder();
  return { trackingUri: `${folder}/runs`, registryUri: `sqlite:///${folder}/m.db` };
});

testModelUris('a folder', async () => {
  const uri = await makeFolder();
  return { trackingUri: uri, registryUri: uri };
});

describe('an MLflow server', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startMlflowServer();
  });
  afterAll(() => server?.stop());

  testModelUris('an MLflow server', async () => ({
    trackingUri: server.uri,
    registryUri: server.uri,
  }));
});

describeOnPostgres('PostgreSQL', (postgres) => {
  testModelUris('PostgreSQL', async () => {
    const uri = await postgres().createDatabase();
    return { trackingUri: uri, registryUri: uri };
  });
});
