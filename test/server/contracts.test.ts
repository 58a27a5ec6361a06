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

const NAME = 'mlts server';

describe(NAME, () => {
  let server: MltsServer;
  beforeAll(async () => {
    server = await startMltsServer();
  });
  afterAll(() => server?.stop());

  testTrackingStore(NAME, () => openTrackingStore(server.uri, createTestContext()), {
    lacksGenAi: true,
  });
  testSearch(NAME, () => openTrackingStore(server.uri, createTestContext()));
  testLoggedModels(NAME, () => openTrackingStore(server.uri, createTestContext()));
  testRegistryStore(NAME, () => openRegistryStore(server.uri, createTestContext()));
  testStoredModelNames(NAME, async () => server.uri);
});

const FOLDER = 'mlts server of a folder';
describe(FOLDER, () => {
  let server: MltsServer;
  beforeAll(async () => {
    server = await startMltsServer(['--backend-store-uri', 'mlruns']);
  });
  afterAll(() => server?.stop());

  testTrackingStore(FOLDER, () => openTrackingStore(server.uri, createTestContext()), {
    lacksGenAi: true,
  });
  testSearch(FOLDER, () => openTrackingStore(server.uri, createTestContext()));
  testLoggedModels(FOLDER, () => openTrackingStore(server.uri, createTestContext()));
  testRegistryStore(FOLDER, () => openRegistryStore(server.uri, createTestContext()));
  testStoredModelNames(FOLDER, async () => server.uri);
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
