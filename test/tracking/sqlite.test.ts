import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { testTrackingStore } from '../contracts/tracking-store.ts';
import { createTestContext } from '../setup/context.ts';

const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'mlts-tracking-'));

testTrackingStore('SQLite', async () =>
  openTrackingStore('sqlite:///some/mlflow.db', createTestContext({ cwd: await makeFolder() })),
);
