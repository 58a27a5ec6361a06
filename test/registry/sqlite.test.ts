import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRegistryStore } from '../../src/registry/open.ts';
import { testRegistryStore } from '../contracts/registry-store.ts';
import { testStoredModelNames } from '../contracts/stored-model-names.ts';
import { createTestContext } from '../setup/context.ts';

testRegistryStore('SQLite', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'mlts-registry-'));
  return openRegistryStore('sqlite:///some/mlflow.db', createTestContext({ cwd }));
});

testStoredModelNames('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-registry-'));
  return `sqlite:///${folder}/mlflow.db`;
});
