import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { testLoggedModels } from '../contracts/logged-models.ts';
import { testSearch } from '../contracts/search.ts';
import { testStoredNames } from '../contracts/stored-names.ts';
import { testTrackingStore } from '../contracts/tracking-store.ts';
import { createTestContext } from '../setup/context.ts';
import {
  findFreePort,
  MLFLOW_VERSION,
  type RunningServer,
  startMlflowServer,
} from '../setup/mlflow.ts';

describe('an MLflow server', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startMlflowServer();
  });
  afterAll(() => server?.stop());

  testTrackingStore('an MLflow server', () => openTrackingStore(server.uri, createTestContext()));
  testSearch('an MLflow server', () => openTrackingStore(server.uri, createTestContext()));
  testLoggedModels('an MLflow server', () => openTrackingStore(server.uri, createTestContext()), {
    isMlflowServer: true,
  });
  testStoredNames('an MLflow server', async () => server.uri, {
    kind: 'MLflow server',
    serverVersion: MLFLOW_VERSION,
  });

  test('artifacts of its runs go through it', async () => {
    const store = await openTrackingStore(server.uri, createTestContext());
    const run = { experimentId: '0', userId: 'ann', startTimeMs: 1, tags: [] };
    const { info } = await store.createRun(run);
    expect(info.artifactUri).toBe(`mlflow-artifacts:/0/${info.id}/artifacts`);
    await store.close();
  });

  test('a server that is no MLflow says so by name', async () => {
    const store = await openTrackingStore(`${server.uri}/nothing/here`, createTestContext());
    await expect(store.getExperimentByName('x')).rejects.toMatchObject({
      message: expect.stringMatching(/nothing\/here.* answered 404/),
      hint: expect.stringContaining('MLflow server'),
    });
    await store.close();
  });

  test('the credentials are in the address for the child, and nowhere in what is said', async () => {
    const uri = `http://ann:s3cret-word@127.0.0.1:${await findFreePort()}`;
    const env = { MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1', MLFLOW_HTTP_REQUEST_BACKOFF_JITTER: '0' };
    const context = createTestContext({ env });
    const store = await openTrackingStore(uri, context);
    expect(store.uri).toBe(uri);
    await expect(store.getExperiment('0')).rejects.not.toThrow(/s3cret/);
    expect(context.said.stderr).toMatch(/^retry 1 of 1: connection refused/);
    expect(context.said.stderr).not.toContain('s3cret');
  });
});
