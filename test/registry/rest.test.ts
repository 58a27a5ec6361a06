import { afterAll, beforeAll, describe } from 'vitest';
import { openRegistryStore } from '../../src/registry/open.ts';
import { testRegistryStore } from '../contracts/registry-store.ts';
import { testStoredModelNames } from '../contracts/stored-model-names.ts';
import { createTestContext } from '../setup/context.ts';
import { type RunningServer, startMlflowServer } from '../setup/mlflow.ts';

describe('an MLflow server', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startMlflowServer();
  });
  afterAll(() => server?.stop());

  testRegistryStore('an MLflow server', () => openRegistryStore(server.uri, createTestContext()));
  testStoredModelNames('an MLflow server', async () => server.uri);
});
