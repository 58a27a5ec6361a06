import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Metric } from '../../src/core/entities.ts';
import { InvalidInput, NotFound } from '../../src/core/errors.ts';
import type { TrackingStore } from '../../src/tracking/store.ts';

const START_MS = 1_700_000_000_000;
const NO_RUN = 'f'.repeat(32);
const NO_EXPERIMENT = '987654321';

/** Renaming, deleting and restoring, tags one by one, and metric histories. */
export function testTrackingLifecycle(
  openedStore: () => TrackingStore,
  { lacksGenAi = false }: { readonly lacksGenAi?: boolean } = {},
): void {
  const newName = (): string => `experiment ${randomUUID()}`;
  const createRun = (experimentId: string) =>
    openedStore().createRun({ experimentId, userId: 'ann', startTimeMs: START_MS, tags: [] });
  const stageOf = async (runId: string) => (await openedStore().getRun(runId)).info.lifecycleStage;

  describe('experiments', () => {
    test('one is renamed, and its old name is free again', async () => {
      const store = openedStore();
      const [before, after] = [newName(), newName()];
      const id = await store.createExperiment({ name: before });
      const { lastUpdateTimeMs = 0 } = await store.getExperiment(id);
      await store.renameExperiment(id, after);
      const renamed = await store.getExperiment(id);
      expect(renamed.name).toBe(after);
      expect(renamed.lastUpdateTimeMs).toBeGreaterThanOrEqual(lastUpdateTimeMs);
      expect(await store.getExperimentByName(before)).toBeUndefined();
      await store.createExperiment({ name: before });
    });

    test('a name in use is refused, and nothing is renamed', async () => {
      const store = openedStore();
      const [mine, other] = [newName(), newName()];
      const id = await store.createExperiment({ name: mine });
      await store.createExperiment({ name: other });
      await expect(store.renameExperiment(id, other)).rejects.toMatchObject({
        code: 'RESOURCE_ALREADY_EXISTS',
        message: expect.stringContaining(other),
      });
      await expect(store.renameExperiment(id, '')).rejects.toThrow(InvalidInput);
      expect((await store.getExperiment(id)).name).toBe(mine);
    });

    test('one is deleted and restored with its runs', async () => {
      const store = openedStore();
      const id = await store.createExperiment({ name: newName() });
      const { info } = await createRun(id);
      await store.deleteExperiment(id);
      expect((await store.getExperiment(id)).lifecycleStage).toBe('deleted');
      expect(await stageOf(info.id)).toBe('deleted');
      await expect(createRun(id)).rejects.toThrow(/deleted/);
      const tags = [{ key: 'a', value: '1' }];
      await expect(store.logBatch(info.id, { tags })).rejects.toThrow(InvalidInput);
      await store.restoreExperiment(id);
      expect((await store.getExperiment(id)).lifecycleStage).toBe('active');
      expect(await store.getRun(info.id)).toMatchObject({ info });
      await createRun(id);
    });

    test('a deleted one keeps its name and its tags', async () => {
      const store = openedStore();
      const name = newName();
      const id = await store.createExperiment({ name });
      await store.deleteExperiment(id);
      await expect(store.renameExperiment(id, newName())).rejects.toMatchObject({
        code: 'INVALID_STATE',
        hint: expect.stringContaining(`mlts experiments restore --experiment-id ${id}`),
      });
      const tag = { key: 'a', value: '1' };
      await expect(store.setExperimentTag(id, tag)).rejects.toThrow(InvalidInput);
      await expect(store.createExperiment({ name })).rejects.toMatchObject({
        code: 'RESOURCE_ALREADY_EXISTS',
      });
      expect(await store.getExperiment(id)).toMatchObject({ name, tags: [] });
    });

    test('only an active one is deleted, only a deleted one restored', async () => {
      const store = openedStore();
      const id = await store.createExperiment({ name: newName() });
      await expect(store.restoreExperiment(id)).rejects.toThrow(NotFound);
      await store.deleteExperiment(id);
      await expect(store.deleteExperiment(id)).rejects.toThrow(NotFound);
    });

    test('one that is not there', async () => {
      const store = openedStore();
      const tag = { key: 'a', value: '1' };
      await expect(store.renameExperiment(NO_EXPERIMENT, newName())).rejects.toThrow(NotFound);
      await expect(store.deleteExperiment(NO_EXPERIMENT)).rejects.toThrow(NotFound);
      await expect(store.restoreExperiment(NO_EXPERIMENT)).rejects.toThrow(NotFound);
      await expect(store.setExperimentTag(NO_EXPERIMENT, tag)).rejects.toThrow(NotFound);
      await expect(store.deleteExperiment('../0')).rejects.toThrow(InvalidInput);
    });

    test('a tag is set and set anew', async () => {
      const store = openedStore();
      const id = await store.createExperiment({ name: newName() });
      await store.setExperimentTag(id, { key: 'team', value: 'größe' });
      await store.setExperimentTag(id, { key: 'team', value: '' });
      await store.setExperimentTag(id, { key: 'long', value: 'x'.repeat(20_000) });
      expect((await store.getExperiment(id)).tags).toContainEqual({ key: 'team', value: '' });
      const tooLong = { key: 'long', value: 'x'.repeat(20_001) };
      await expect(store.setExperimentTag(id, tooLong)).rejects.toThrow(InvalidInput);
      await expect(store.setExperimentTag(id, { key: '../x', value: '' })).rejects.toThrow(
        InvalidInput,
      );
    });
  });

  describe("an experiment's tag", () => {
    test('is deleted, once', async () => {
      const store = openedStore();
      const id = await store.createExperiment({ name: newName() });
      await store.setExperimentTag(id, { key: 'a/b', value: '1' });
      await store.setExperimentTag(id, { key: 'c', value: '2' });
      await store.deleteExperimentTag(id, 'a/b');
      expect((await store.getExperiment(id)).tags).toEqual([{ key: 'c', value: '2' }]);
      await expect(store.deleteExperimentTag(id, 'a/b')).rejects.toThrow(NotFound);
      await expect(store.deleteExperimentTag(NO_EXPERIMENT, 'c')).rejects.toThrow(NotFound);
    });

    test('stays with a deleted experiment', async () => {
      const store = openedStore();
      const id = await store.createExperiment({
        name: newName(),
        tags: [{ key: 'a', value: '1' }],
      });
      await store.deleteExperiment(id);
      await expect(store.deleteExperimentTag(id, 'a')).rejects.toThrow(InvalidInput);
      expect((await store.getExperiment(id)).tags).toEqual([{ key: 'a', value: '1' }]);
    });

    test('for the archiving of traces is one that MLflow can read', async () => {
      const store = openedStore();
      const id = await store.createExperiment({ name: newName() });
      const key = 'mlflow.trace.archiveNow';
      for (const value of ['now', '[]', '{"older_than": 7}', '{"older_than": "7"}']) {
        await expect(store.setExperimentTag(id, { key, value })).rejects.toThrow(InvalidInput);
      }
      for (const value of ['{}', '{"older_than": "7d"}', '{"older_than": null}']) {
        await store.setExperimentTag(id, { key, value });
        expect((await store.getExperiment(id)).tags).toEqual([{ key, value }]);
      }
    });
  });

  describe('GenAI', () => {
    const isFolder = () => !/^(sqlite|postgresql|https?)/.test(openedStore().uri);

    test('traces are linked to a run that is there, however often; a folder has none', async () => {
      const { genAi } = openedStore();
      const { info } = await createRun('0');
      if (lacksGenAi) {
        return expect(genAi.linkTraces(info.id, ['tr-1'])).rejects.toThrow(NotFound);
      }
      if (isFolder()) {
        const refused = genAi.linkTraces(info.id, ['tr-1']);
        return expect(refused).rejects.toMatchObject({ code: 'NOT_IMPLEMENTED' });
      }
      await genAi.linkTraces(info.id, ['tr-1', 'tr-2', 'tr-1']);
      await genAi.linkTraces(info.id, ['tr-2', 'tr-3']);
      await expect(genAi.linkTraces(NO_RUN, ['tr-1'])).rejects.toThrow(NotFound);
      const many = Array.from({ length: 101 }, (_, index) => `tr-${index}`);
      await expect(genAi.linkTraces(info.id, many)).rejects.toThrow(InvalidInput);
    });

    test('evaluation datasets are searched; a folder has none', async () => {
      const { genAi } = openedStore();
      const search = {
        experimentIds: ['0'],
        maxResults: 10,
        filter: "name ILIKE 'a%' AND tags.team != 'b' AND created_time > 0 AND name IN ('a')",
        orderBy: ['name', 'last_update_time DESC'],
      };
      if (lacksGenAi) return expect(genAi.searchDatasets(search)).rejects.toThrow(NotFound);
      if (isFolder()) {
        const refused = genAi.searchDatasets(search);
        return expect(refused).rejects.toMatchObject({ code: 'NOT_IMPLEMENTED' });
      }
      expect(await genAi.searchDatasets(search)).toEqual({ items: [], nextPageToken: undefined });
      const wrong = genAi.searchDatasets({ ...search, filter: "nothing = 'a'" });
      await expect(wrong).rejects.toThrow(/there is no attribute `nothing`/);
    });
  });

  describe('runs', () => {
    test('one is deleted and restored, however often', async () => {
      const store = openedStore();
      const { info } = await createRun('0');
      await store.deleteRun(info.id);
      await store.deleteRun(info.id);
      expect(await stageOf(info.id)).toBe('deleted');
      await expect(store.updateRun(info.id, { status: 'FAILED' })).rejects.toThrow(InvalidInput);
      await expect(store.deleteTag(info.id, 'mlflow.runName')).rejects.toThrow(InvalidInput);
      await store.restoreRun(info.id);
      await store.restoreRun(info.id);
      expect(await store.getRun(info.id)).toMatchObject({ info });
    });

    test('a tag is deleted, once', async () => {
      const store = openedStore();
      const { info } = await createRun('0');
      const tags = [
        { key: 'a/b', value: '1' },
        { key: 'c', value: '2' },
      ];
      await store.logBatch(info.id, { tags });
      await store.deleteTag(info.id, 'a/b');
      const keys = (await store.getRun(info.id)).tags.map(({ key }) => key);
      expect(keys).toEqual(['c', 'mlflow.runName']);
      await expect(store.deleteTag(info.id, 'a/b')).rejects.toThrow(NotFound);
    });

    test('one that is not there', async () => {
      const store = openedStore();
      await expect(store.deleteRun(NO_RUN)).rejects.toThrow(NotFound);
      await expect(store.restoreRun(NO_RUN)).rejects.toThrow(NotFound);
      await expect(store.deleteTag(NO_RUN, 'a')).rejects.toThrow(NotFound);
      const history = store.getMetricHistory(NO_RUN, 'm', { maxResults: 10 });
      await expect(history).rejects.toThrow(NotFound);
      await expect(store.deleteRun('../0')).rejects.toThrow(InvalidInput);
    });
  });

  describe('metric histories', () => {
    const metric = (value: number, step: number): Metric => ({
      key: 'a/loss',
      value,
      step,
      timestampMs: START_MS + step,
    });

    test('all values, page by page', async () => {
      const store = openedStore();
      const { info } = await createRun('0');
      const metrics = [0.5, Number.NaN, -1, 1e-300, 7].map(metric);
      await store.logBatch(info.id, { metrics });
      const sizes: number[] = [];
      const found: Metric[] = [];
      let pageToken: string | undefined;
      do {
        const page = await store.getMetricHistory(info.id, 'a/loss', { maxResults: 2, pageToken });
        sizes.push(page.items.length);
        found.push(...page.items);
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined);
      expect(found).toEqual(metrics);
      expect(sizes).toEqual([2, 2, 1]);
    });

    test('a page that holds just what is left is the last', async () => {
      const store = openedStore();
      const { info } = await createRun('0');
      await store.logBatch(info.id, { metrics: [metric(1, 0), metric(2, 1)] });
      const page = await store.getMetricHistory(info.id, 'a/loss', { maxResults: 2 });
      expect(page).toEqual({ items: [metric(1, 0), metric(2, 1)], nextPageToken: undefined });
    });

    test('a key without values, a token of nobody, a path that leaves the run', async () => {
      const store = openedStore();
      const { info } = await createRun('0');
      const empty = await store.getMetricHistory(info.id, 'none', { maxResults: 2 });
      expect(empty).toEqual({ items: [], nextPageToken: undefined });
      const page = { maxResults: 2, pageToken: 'bm9uZQ==' };
      await expect(store.getMetricHistory(info.id, 'none', page)).rejects.toThrow(InvalidInput);
      const outside = store.getMetricHistory(info.id, '../tags/mlflow.runName', { maxResults: 2 });
      await expect(outside).rejects.toThrow(InvalidInput);
    });
  });
}
