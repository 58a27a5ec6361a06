import { afterAll, beforeAll, describe } from 'vitest';
import { openRegistryStore } from '../../src/registry/open.ts';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { testLoggedModels } from '../contracts/logged-models.ts';
import { testRegistryStore } from '../contracts/registry-store.ts';
import { testSearch } from '../contracts/search.ts';
import { testStoredModelNames } from '../contracts/stored-model-names.ts';
import { testTrackingStore } from '../contracts/tracking-store.ts';
import { createTestContext } from '../setup/context.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';

describe.each([
  ['mlts server', []],
  ['mlts server of a folder', ['--backend-store-uri', 'mlruns']],
])('%s', (name, args) => {
  let server: MltsServer;
  beforeAll(async () => {
    server = await startMltsServer(args);
  });
  afterAll(() => server?.stop());

  testTrackingStore(name, () => openTrackingStore(server.uri, createTestContext()), {
    lacksGenAi: true,
  });
  testSearch(name, () => openTrackingStore(server.uri, createTestContext()));
  testLoggedModels(name, () => openTrackingStore(server.uri, createTestContext()));
  testRegistryStore(name, () => openRegistryStore(server.uri, createTestContext()));
  testStoredModelNames(name, async () => server.uri);
});

const POSTGRES = 'mlts server on PostgreSQL';
describeOnPostgres(POSTGRES, (postgres) => {
  let server: MltsServer;
  beforeAll(async () => {
    server = await startMltsServer(['--backend-store-uri', await postgres().createDatabase()]);
  });
  afterAll(() => server?.stop());

  testTrackingStore(POSTGRES, () => openTrackingStore(server.uri, createTestContext()), {
    lacksGenAi: true,
  });
  testLoggedModels(POSTGRES, () => openTrackingStore(server.uri, createTestContext()));
  testRegistryStore(POSTGRES, () => openRegistryStore(server.uri, createTestContext()));
});
