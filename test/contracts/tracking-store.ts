import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Metric, Tag } from '../../src/core/entities.ts';
import { InvalidInput, NotFound } from '../../src/core/errors.ts';
import type { TrackingStore } from '../../src/tracking/store.ts';
import { testTrackingLifecycle } from './tracking-lifecycle.ts';

const START_MS = 1_700_000_000_000;

/** What every tracking store promises; `open` is called once, after the file's own `beforeAll`. */
export function testTrackingStore(
  name: string,
  open: () => Promise<TrackingStore>,
  abilities: { readonly lacksGenAi?: boolean } = {},
): void {
  describe(`${name} as a tracking store`, () => {
    let store: TrackingStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store?.close());

    testTrackingLifecycle(() => store, abilities);

    const newName = (): string => `experiment ${randomUUID()}`;
    const createRun = (tags: readonly Tag[] = [], runName?: string) =>
      store.createRun({
        experimentId: '0',
        userId: 'ann',
        startTimeMs: START_MS,
        tags,
        ...(runName === undefined ? {} : { runName }),
      });
    const metric = (key: string, value: number, step: number, timestampMs = START_MS): Metric => ({
      key,
      value,
      step,
      timestampMs,
    });
    const latest = async (runId: string) =>
      Object.fromEntries(
        (await store.getRun(runId)).metrics.map(({ key, value, step }) => [key, [value, step]]),
      );

    test('there is a default experiment', async () => {
      expect(await store.getExperiment('0')).toMatchObject({ id: '0', name: 'Default' });
      expect(await store.getExperimentByName('Default')).toMatchObject({ id: '0' });
    });

    test('an experiment is found by id and by name, tags and times with it', async () => {
      const experimentName = newName();
      const tags = [{ key: 'team', value: 'größe 😀' }];
      const id = await store.createExperiment({ name: experimentName, tags });
      const experiment = await store.getExperiment(id);
      expect(experiment).toMatchObject({
        id,
        name: experimentName,
        lifecycleStage: 'active',
        tags,
      });
      expect(experiment.artifactLocation).toMatch(new RegExp(`/${id}$`));
      expect(experiment.creationTimeMs).toBeGreaterThan(START_MS);
      expect(await store.getExperimentByName(experimentName)).toEqual(experiment);
    });

    test('an experiment keeps its artifacts where it is told', async () => {
      const artifactLocation = 's3://bucket/some/prefix';
      const id = await store.createExperiment({ name: newName(), artifactLocation });
      const run = await store.createRun({
        experimentId: id,
        userId: 'ann',
        startTimeMs: START_MS,
        tags: [],
      });
      expect(run.info.artifactUri).toBe(`${artifactLocation}/${run.info.id}/artifacts`);
    });

    test('what is not there', async () => {
      expect(await store.getExperimentByName(newName())).toBeUndefined();
      await expect(store.getExperiment('987654321')).rejects.toThrow(NotFound);
      const runId = 'f'.repeat(32);
      await expect(store.getRun(runId)).rejects.toThrow(NotFound);
      await expect(store.updateRun(runId, { status: 'FAILED' })).rejects.toThrow(NotFound);
      const params = [{ key: 'a', value: '1' }];
      await expect(store.logBatch(runId, { params })).rejects.toThrow(NotFound);
      await expect(
        store.createRun({ experimentId: '987654321', userId: '', startTimeMs: 1, tags: [] }),
      ).rejects.toThrow(NotFound);
    });

    test('an experiment name is used once', async () => {
      const experimentName = newName();
      await store.createExperiment({ name: experimentName });
      await expect(store.createExperiment({ name: experimentName })).rejects.toMatchObject({
        code: 'RESOURCE_ALREADY_EXISTS',
        message: expect.stringMatching(new RegExp(`named .${experimentName}. already[^\\[]*$`)),
      });
    });

    test('a new run', async () => {
      const run = await createRun([{ key: 'mlflow.source.type', value: 'PROJECT' }], 'first try');
      expect(run).toEqual(await store.getRun(run.info.id));
      expect(run.info).toMatchObject({
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        name: 'first try',
        experimentId: '0',
        userId: 'ann',
        status: 'RUNNING',
        startTimeMs: START_MS,
        endTimeMs: undefined,
        lifecycleStage: 'active',
        artifactUri: expect.stringMatching(new RegExp(`/0/${run.info.id}/artifacts$`)),
      });
      expect(run.tags).toEqual([
        { key: 'mlflow.runName', value: 'first try' },
        { key: 'mlflow.source.type', value: 'PROJECT' },
      ]);
    });

    test('a run is named by its tag, or gets a name', async () => {
      const tagged = await createRun([{ key: 'mlflow.runName', value: 'by tag' }]);
      expect(tagged.info.name).toBe('by tag');
      const { info, tags } = await createRun();
      expect(info.name).toMatch(/^[a-z]+-[a-z]+-\d{1,4}$/);
      expect(tags).toEqual([{ key: 'mlflow.runName', value: info.name }]);
      await expect(createRun([{ key: 'mlflow.runName', value: 'a' }], 'b')).rejects.toThrow(
        InvalidInput,
      );
    });

    test('params, tags and metrics come back as they went in', async () => {
      const { info } = await createRun();
      const params = [
        { key: 'alpha', value: 'it\'s `$HOME` \\ "x"' },
        { key: 'nested/key with space', value: ' leading, trailing \n' },
        { key: 'unicode-ключ', value: '😀 é' },
      ];
      await store.logBatch(info.id, {
        params,
        tags: [{ key: 'mlflow.note.content', value: '# A\nB' }],
        metrics: [metric('loss', 0.1, 3), metric('val/loss', -1e-300, 0)],
      });
      const run = await store.getRun(info.id);
      expect(run.params).toEqual(params);
      expect(run.tags).toContainEqual({ key: 'mlflow.note.content', value: '# A\nB' });
      expect(run.metrics).toEqual([metric('loss', 0.1, 3), metric('val/loss', -1e-300, 0)]);
    });

    test('the latest metric is that of the largest step, then time, then value', async () => {
      const { info } = await createRun();
      const log = (...metrics: readonly Metric[]) => store.logBatch(info.id, { metrics });
      await log(metric('a', 5, 2), metric('a', 9, 1), metric('b', 1, 0), metric('b', 2, 0));
      expect(await latest(info.id)).toEqual({ a: [5, 2], b: [2, 0] });
      await log(metric('a', 7, 1, START_MS + 5), metric('b', 0, 0, START_MS + 1));
      expect(await latest(info.id)).toEqual({ a: [5, 2], b: [0, 0] });
      await log(metric('a', -1, -3), metric('a', 4, 3));
      expect(await latest(info.id)).toEqual({ a: [4, 3], b: [0, 0] });
    });

    test('the same metric twice, NaN and the infinities', async () => {
      const { info } = await createRun();
      const metrics = [
        metric('nan', Number.NaN, 0),
        metric('up', Infinity, 0),
        metric('down', -Infinity, 0),
      ];
      await store.logBatch(info.id, { metrics });
      await store.logBatch(info.id, { metrics });
      const { nan, up, down } = await latest(info.id);
      expect(nan).toEqual([Number.NaN, 0]);
      // In a database the largest double stands for infinity, as MLflow stores it.
      expect(up?.[0]).toBeGreaterThanOrEqual(Number.MAX_VALUE);
      expect(down?.[0]).toBeLessThanOrEqual(-Number.MAX_VALUE);
    });

    test('a param keeps its value: both are told, and nothing else of the batch is written', async () => {
      const { info } = await createRun();
      const old = [{ key: 'alpha', value: '0.5' }];
      await store.logBatch(info.id, { params: old });
      await store.logBatch(info.id, { params: old });
      const params = [
        { key: 'a', value: 'new' },
        { key: 'alpha', value: '0.7' },
      ];
      const refusal = store.logBatch(info.id, { params, tags: [{ key: 't', value: '1' }] });
      await expect(refusal).rejects.toThrow(InvalidInput);
      await expect(refusal).rejects.toThrow(/alpha.*0\.5.*0\.7/s);
      const run = await store.getRun(info.id);
      expect(run.params).toEqual(old);
      expect(run.tags.map(({ key }) => key)).toEqual(['mlflow.runName']);
    });

    test.each([
      ['../up'],
      ['/abs'],
      ['a/../b'],
      ['a//b'],
      ['.'],
      ['a/'],
      [''],
      ['no\nline'],
      ['semi;colon'],
      ['k'.repeat(251)],
    ])('the key %j is refused', async (key) => {
      const { info } = await createRun();
      const value = '1';
      await expect(store.logBatch(info.id, { params: [{ key, value }] })).rejects.toThrow(
        InvalidInput,
      );
      await expect(store.logBatch(info.id, { tags: [{ key, value }] })).rejects.toThrow(
        InvalidInput,
      );
      await expect(store.logBatch(info.id, { metrics: [metric(key, 1, 0)] })).rejects.toThrow(
        InvalidInput,
      );
    });

    test.each([['../../etc'], ['a/b'], [''], ['x'.repeat(300)]])(
      'the id %j is refused',
      async (id) => {
        await expect(store.getRun(id)).rejects.toThrow(InvalidInput);
        await expect(store.getExperiment(id)).rejects.toThrow(InvalidInput);
      },
    );

    test('tags are overwritten, and the name tag renames the run', async () => {
      const { info } = await createRun([{ key: 't', value: '1' }], 'old');
      const tags = [
        { key: 't', value: '2' },
        { key: 't', value: '3' },
        { key: 'mlflow.runName', value: 'new' },
      ];
      await store.logBatch(info.id, { tags });
      const run = await store.getRun(info.id);
      expect(run.info.name).toBe('new');
      expect(run.tags).toEqual([
        { key: 'mlflow.runName', value: 'new' },
        { key: 't', value: '3' },
      ]);
    });

    test('a run ends, and what is not told stays', async () => {
      const { info } = await createRun([], 'keep me');
      const ended = await store.updateRun(info.id, { status: 'KILLED', endTimeMs: START_MS + 5 });
      expect(ended).toEqual({ ...info, status: 'KILLED', endTimeMs: START_MS + 5 });
      const renamed = await store.updateRun(info.id, { runName: 'renamed' });
      expect(renamed).toEqual({ ...ended, name: 'renamed' });
      const run = await store.getRun(info.id);
      expect(run.info).toEqual(renamed);
      expect(run.tags).toEqual([{ key: 'mlflow.runName', value: 'renamed' }]);
    });

    test('values that are too long are cut, as MLflow cuts them', async () => {
      const { info } = await createRun([{ key: 'long', value: 'é'.repeat(8_001) }]);
      await store.logBatch(info.id, { params: [{ key: 'long', value: '😀'.repeat(6_001) }] });
      const run = await store.getRun(info.id);
      expect(run.params[0]?.value).toBe('😀'.repeat(6_000));
      expect(run.tags.find(({ key }) => key === 'long')?.value).toBe('é'.repeat(8_000));
    });

    test('more than one request can hold', async () => {
      const { info } = await createRun();
      const params = Array.from({ length: 250 }, (_, n) => ({ key: `p${n}`, value: `${n}` }));
      const metrics = Array.from({ length: 1_500 }, (_, n) => metric('m', n, n));
      await store.logBatch(info.id, { params, metrics });
      expect((await store.getRun(info.id)).params).toHaveLength(250);
      expect(await latest(info.id)).toEqual({ m: [1_499, 1_499] });
    });

    test('writers at the same time lose nothing', async () => {
      const { info } = await createRun();
      await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          store.logBatch(info.id, {
            params: [{ key: `p${n}`, value: `${n}` }],
            metrics: [metric('m', n, n)],
          }),
        ),
      );
      expect((await store.getRun(info.id)).params).toHaveLength(10);
      expect(await latest(info.id)).toEqual({ m: [9, 9] });
    });
  });
}
