import { afterAll, beforeAll, describe } from 'vitest';
import { openRegistryStore } from '../../src/registry/open.ts';
import { testRegistryStore } from '../contracts/registry-store.ts';
import { testStoredModelNames } from '../contracts/stored-model-names.ts';
import { createTestContext } from '../setup/context.ts';
import { type RunningPostgres, startPostgres, whyNoPostgres } from '../setup/postgres.ts';

const reason = whyNoPostgres();

describe.skipIf(reason !== undefined)(`PostgreSQL${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let server: RunningPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  testRegistryStore('PostgreSQL', async () =>
    openRegistryStore(await server.createDatabase(), createTestContext()),
  );
  testStoredModelNames('PostgreSQL', () => server.createDatabase());
});
