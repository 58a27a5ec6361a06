import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTrackingStore } from '../../src/tracking/open.ts';
import type { TrackingStore } from '../../src/tracking/store.ts';
import { testCache } from '../setup/cache.ts';
import { createTestContext } from '../setup/context.ts';

let folder: string;
let uri: string;
let store: TrackingStore;
beforeAll(async () => {
  folder = await mkdtemp(join(testCache, 'group-commit-'));
  uri = `sqlite:///${folder}/mlflow.db`;
  store = await openTrackingStore(uri, createTestContext());
});
afterAll(async () => {
  await store?.close();
  await rm(folder, { recursive: true, force: true });
});

test('of many transactions at once those that fail take nothing of the others along', async () => {
  const run = { experimentId: '0', userId: 'ann', startTimeMs: 1, tags: [] };
  const { info } = await store.createRun(run);
  await store.logBatch(info.id, { params: [{ key: 'fixed', value: 'a' }] });
  const writes = Array.from({ length: 200 }, (_, index) =>
    store.logBatch(info.id, {
      tags: [{ key: `tag${index}`, value: 'x' }],
      // Every third one comes too late with another value, after its param was written.
      params: [
        { key: `param${index}`, value: 'x' },
        ...(index % 3 === 0 ? [{ key: 'fixed', value: 'b' }] : []),
      ],
    }),
  );
  const ended = await Promise.allSettled(writes);
  const succeeded = ended.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
  expect(succeeded).toEqual(ended.flatMap((_, index) => (index % 3 === 0 ? [] : [index])));
  // Another connection sees all that was acknowledged, and nothing else.
  const other = await openTrackingStore(uri, createTestContext());
  const { params, tags } = await other.getRun(info.id);
  await other.close();
  const expected = succeeded.map((index) => `param${index}`);
  expect(params.map(({ key }) => key).sort()).toEqual([...expected, 'fixed'].sort());
  expect(tags.filter(({ key }) => key.startsWith('tag'))).toHaveLength(succeeded.length);
});

test('what is read between transactions is on the disk', async () => {
  const run = { experimentId: '0', userId: 'ann', startTimeMs: 1, tags: [] };
  const { info } = await store.createRun(run);
  const other = await openTrackingStore(uri, createTestContext());
  const seen: boolean[] = [];
  const writing = Array.from({ length: 30 }, (_, step) =>
    store.logBatch(info.id, { metrics: [{ key: 'm', value: step, timestampMs: 1, step }] }),
  );
  const reading = Array.from({ length: 10 }, async () => {
    const [latest] = (await store.getRun(info.id)).metrics;
    const [stored] = (await other.getRun(info.id)).metrics;
    seen.push((stored?.step ?? -1) >= (latest?.step ?? -1));
  });
  await Promise.all([...writing, ...reading]);
  await other.close();
  expect(seen).toEqual(Array.from({ length: 10 }, () => true));
});
