import { openRegistryStore } from '../../src/registry/open.ts';
import { testRegistryStore } from '../contracts/registry-store.ts';
import { testStoredModelNames } from '../contracts/stored-model-names.ts';
import { createTestContext } from '../setup/context.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';

describeOnPostgres('PostgreSQL', (postgres) => {
  testRegistryStore('PostgreSQL', async () =>
    openRegistryStore(await postgres().createDatabase(), createTestContext()),
  );
  testStoredModelNames('PostgreSQL', () => postgres().createDatabase());
});
