import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatasetInput, Metric, Run } from '../../src/core/entities.ts';
import { InvalidInput, NotFound } from '../../src/core/errors.ts';
import type { LoggedModel } from '../../src/core/logged-model.ts';
import type { LoggedModelSearch, NewLoggedModel, TrackingStore } from '../../src/tracking/store.ts';

const START_MS = 1_700_000_000_000;
const NOBODY = `m-${'0'.repeat(32)}`;

export interface LoggedModelAbilities {
  /** MLflow's own servers compare the number of a status, and take a dataset without digest for one that has none. */
  readonly isMlflowServer?: boolean;
}

/** What every tracking store promises of logged models, inputs and outputs; `open` is called once. */
export function testLoggedModels(
  name: string,
  open: () => Promise<TrackingStore>,
  { isMlflowServer = false }: LoggedModelAbilities = {},
): void {
  describe(`${name} with logged models`, () => {
    let store: TrackingStore;
    let run: Run;
    beforeAll(async () => {
      store = await open();
      run = await createRun('0');
    });
    afterAll(() => store?.close());

    const createRun = (experimentId: string): Promise<Run> =>
      store.createRun({ experimentId, userId: 'ann', startTimeMs: START_MS, tags: [] });
    const createExperiment = (): Promise<string> =>
      store.createExperiment({ name: `models ${randomUUID()}` });
    const create = (model: Partial<NewLoggedModel> = {}): Promise<LoggedModel> =>
      store.loggedModels.create({ experimentId: '0', ...model });

    test('a new model is pending, and has what it was given', async () => {
      const given = {
        name: 'churn größe',
        sourceRunId: run.info.id,
        modelType: 'Agent',
        tags: [{ key: 'team', value: 'größe 😀' }],
        params: [
          { key: 'alpha', value: '0.5' },
          { key: 'beta', value: ' two\nlines ' },
        ],
      };
      const model = await create(given);
      expect(model).toMatchObject({ ...given, experimentId: '0', status: 'PENDING', metrics: [] });
      expect(model.id).toMatch(/^m-[0-9a-f]{32}$/);
      expect(model.artifactUri).toMatch(new RegExp(`/0/models/${model.id}/artifacts$`));
      expect(model.creationTimeMs).toBeGreaterThan(START_MS);
      expect(model.lastUpdateTimeMs).toBe(model.creationTimeMs);
      expect(await store.loggedModels.get(model.id)).toEqual(model);
    });

    test('without a name it gets one, and nothing else', async () => {
      const model = await create();
      expect(model.name).toMatch(/^[a-z]+-[a-z]+-\d{1,4}$/);
      expect(model).toMatchObject({ tags: [], params: [], statusMessage: undefined });
      expect([model.modelType, model.sourceRunId]).toEqual([undefined, undefined]);
    });

    test.each(['', 'a/b', 'a:b', 'v1.2', '5%', "it's", 'say "a"'])(
      'the name %j is refused',
      async (bad) => {
        await expect(create({ name: bad })).rejects.toThrow(InvalidInput);
      },
    );

    // Where ids are paths they are refused; a database has no such model.
    test.each(['../../etc', 'a/b', ''])('nobody has the id %j', async (id) => {
      const code = expect.stringMatching(/^(INVALID_PARAMETER_VALUE|RESOURCE_DOES_NOT_EXIST)$/);
      await expect(store.loggedModels.get(id)).rejects.toMatchObject({ code });
    });

    test('what is not there is told', async () => {
      await expect(create({ experimentId: '987654321' })).rejects.toThrow(NotFound);
      const { loggedModels } = store;
      await expect(loggedModels.get(NOBODY)).rejects.toThrow(NotFound);
      await expect(loggedModels.finalize(NOBODY, 'READY')).rejects.toThrow(NotFound);
      await expect(loggedModels.delete(NOBODY)).rejects.toThrow(NotFound);
      await expect(loggedModels.setTags(NOBODY, [])).rejects.toThrow(NotFound);
      await expect(loggedModels.deleteTag(NOBODY, 'a')).rejects.toThrow(NotFound);
      const params = [{ key: 'a', value: '1' }];
      await expect(loggedModels.logParams(NOBODY, params)).rejects.toThrow(NotFound);
      const { id } = await create();
      await expect(loggedModels.deleteTag(id, 'none')).rejects.toThrow(NotFound);
    });

    test('a deleted experiment takes no models', async () => {
      const experimentId = await createExperiment();
      await store.deleteExperiment(experimentId);
      await expect(create({ experimentId })).rejects.toThrow(/deleted|active/);
    });

    test.each(['READY', 'FAILED'] as const)('its upload ends %s', async (status) => {
      const model = await create();
      const ended = await store.loggedModels.finalize(model.id, status);
      expect(ended).toEqual({ ...model, status, lastUpdateTimeMs: ended.lastUpdateTimeMs });
      expect(ended.lastUpdateTimeMs).toBeGreaterThanOrEqual(model.lastUpdateTimeMs);
      expect(await store.loggedModels.get(model.id)).toEqual(ended);
    });

    test('a deleted one is found only where that is asked for', async () => {
      const experimentId = await createExperiment();
      const { id } = await create({ experimentId });
      await store.loggedModels.delete(id);
      await expect(store.loggedModels.get(id)).rejects.toThrow(NotFound);
      expect(await store.loggedModels.get(id, { findsDeleted: true })).toMatchObject({ id });
      const found = await store.loggedModels.search({
        experimentIds: [experimentId],
        maxResults: 9,
      });
      expect(found.items).toEqual([]);
    });

    test('tags are set, overwritten and deleted', async () => {
      const { id } = await create({ tags: [{ key: 'a', value: '1' }] });
      await store.loggedModels.setTags(id, [
        { key: 'a', value: '2' },
        { key: 'b', value: 'x' },
        { key: 'b', value: 'y' },
        { key: 'gone', value: '' },
      ]);
      await store.loggedModels.deleteTag(id, 'gone');
      expect((await store.loggedModels.get(id)).tags).toEqual([
        { key: 'a', value: '2' },
        { key: 'b', value: 'y' },
      ]);
    });

    test('a param keeps its value, and more than one request can hold are logged', async () => {
      const many = Array.from({ length: 250 }, (_, n) => ({ key: `p${n}`, value: `${n}` }));
      const { id, params } = await create({ params: many });
      expect(params).toHaveLength(250);
      await store.loggedModels.logParams(id, [{ key: 'more', value: '1' }]);
      await store.loggedModels.logParams(id, [
        { key: 'more', value: '1' },
        { key: 'other', value: '2' },
      ]);
      const refusal = store.loggedModels.logParams(id, [
        { key: 'fresh', value: '1' },
        { key: 'more', value: '7' },
      ]);
      await expect(refusal).rejects.toThrow(InvalidInput);
      await expect(refusal).rejects.toThrow(/more.*`1`.*`7`/s);
      const after = (await store.loggedModels.get(id)).params;
      expect(after).toHaveLength(252);
      expect(after).toContainEqual({ key: 'other', value: '2' });
      expect(after).not.toContainEqual({ key: 'fresh', value: '1' });
    });

    test('a metric of a model is kept with its run and with the model', async () => {
      const { id } = await create();
      const { info } = await createRun('0');
      const dataset = { name: 'test-set', digest: 'abc123' };
      const metrics: readonly Metric[] = [
        { key: 'f1', value: 0.9, timestampMs: START_MS, step: 0, modelId: id, dataset },
        { key: 'loss', value: 0.25, timestampMs: START_MS + 1, step: 0, modelId: id },
        { key: 'plain', value: 1, timestampMs: START_MS, step: 0 },
      ];
      await store.logBatch(info.id, { metrics });
      await store.logBatch(info.id, { metrics });
      const model = await store.loggedModels.get(id);
      expect(model.metrics).toEqual([
        { ...metrics[0], runId: info.id },
        { ...metrics[1], runId: info.id },
      ]);
      const found = await store.getRun(info.id);
      expect(found.metrics.map(({ key, value }) => [key, value])).toEqual([
        ['f1', 0.9],
        ['loss', 0.25],
        ['plain', 1],
      ]);
    });

    test('a metric of an unknown model is refused, and nothing is logged', async () => {
      if (isMlflowServer) return; // It logs the run's part first, and fails then.
      const { info } = await createRun('0');
      const metric = { key: 'm', value: 1, timestampMs: START_MS, step: 0, modelId: NOBODY };
      await expect(store.logBatch(info.id, { metrics: [metric] })).rejects.toThrow(NotFound);
      expect((await store.getRun(info.id)).metrics).toEqual([]);
    });

    test('inputs and outputs of a run come back, each once', async () => {
      const { info } = await createRun('0');
      const [used, made] = [await create(), await create()];
      const input = (digest: string, context: string): DatasetInput => ({
        dataset: {
          name: 'größe',
          digest,
          sourceType: 'local',
          source: '{"uri": "a.csv"}',
          schema: digest === 'one' ? '{"columns": []}' : undefined,
          profile: undefined,
        },
        tags: [{ key: 'mlflow.data.context', value: context }],
      });
      const datasetInputs = [input('one', 'training'), input('two', 'eval')];
      const inputs = { datasetInputs, modelInputs: [used.id] };
      await store.logInputs(info.id, inputs);
      await store.logInputs(info.id, inputs);
      await store.logInputs(info.id, { datasetInputs: [input('one', 'other')] });
      await store.logOutputs(info.id, [{ modelId: made.id, step: 7 }]);
      const links = await store.getRunLinks(info.id);
      expect(links.datasetInputs.toSorted(byDigest)).toEqual(datasetInputs);
      expect(links.modelInputs).toEqual([used.id]);
      expect(links.modelOutputs).toEqual([{ modelId: made.id, step: 7 }]);
    });

    test('the datasets of experiments are told once for each use', async () => {
      const makeOne = () => store.createExperiment({ name: `datasets ${randomUUID()}` });
      const [one, other] = [await makeOne(), await makeOne()];
      const use = async (experimentId: string, digest: string, context?: string) => {
        const { info } = await createRun(experimentId);
        const dataset = { name: 'rows', digest, sourceType: 'local', source: 'x', ...NO_SCHEMA };
        const tags = context === undefined ? [] : [{ key: 'mlflow.data.context', value: context }];
        await store.logInputs(info.id, { datasetInputs: [{ dataset, tags }] });
        return info.id;
      };
      await use(one, 'a', 'training');
      await use(one, 'a', 'training');
      await use(one, 'a', 'eval');
      await store.deleteRun(await use(one, 'b'));
      await use(other, 'a', 'training');
      const text = (experimentId: string, digest: string, context: string | undefined) => ({
        experimentId,
        name: 'rows',
        digest,
        context,
      });
      const [training, evaluated] = [text(one, 'a', 'training'), text(one, 'a', 'eval')];
      const ofOne = await store.summarizeDatasets([one]);
      expect(ofOne).toHaveLength(3);
      expect(ofOne).toEqual(
        expect.arrayContaining([training, evaluated, text(one, 'b', undefined)]),
      );
      const ofBoth = await store.summarizeDatasets([one, other]);
      expect(ofBoth).toHaveLength(4);
      expect(ofBoth).toContainEqual(text(other, 'a', 'training'));
    });

    test('one dataset serves several runs', async () => {
      const dataset = {
        name: 'shared',
        digest: randomUUID().slice(0, 8),
        sourceType: 'code',
        source: 'x',
      };
      const runs = [await createRun('0'), await createRun('0')];
      const datasetInputs = [{ dataset: { ...dataset, ...NO_SCHEMA }, tags: [] }];
      // One after the other: MLflow's own server loses a race for a new dataset.
      for (const { info } of runs) await store.logInputs(info.id, { datasetInputs });
      for (const { info } of runs) {
        expect((await store.getRunLinks(info.id)).datasetInputs).toEqual(datasetInputs);
        const found = await store.searchRuns({
          experimentIds: ['0'],
          filter: `dataset.digest = '${dataset.digest}'`,
          view: 'active_only',
          maxResults: 10,
        });
        expect(found.items.map((one) => one.info.id)).toContain(info.id);
      }
    });

    test('a deleted or unknown run takes none', async () => {
      const { info } = await createRun('0');
      await store.deleteRun(info.id);
      const models = [{ modelId: NOBODY, step: 0 }];
      for (const id of [info.id, 'f'.repeat(32)]) {
        await expect(store.logInputs(id, { modelInputs: [NOBODY] })).rejects.toThrow();
        await expect(store.logOutputs(id, models)).rejects.toThrow();
      }
    });

    test.each([
      ['name', 'n'.repeat(501)],
      ['digest', 'd'.repeat(37)],
      ['source', 's'.repeat(65_536)],
    ])('a dataset with too long a %s is refused', async (part, text) => {
      const dataset = { name: 'a', digest: 'b', sourceType: 'c', source: 'd', ...NO_SCHEMA };
      const datasetInputs = [{ dataset: { ...dataset, [part]: text }, tags: [] }];
      await expect(store.logInputs(run.info.id, { datasetInputs })).rejects.toThrow(InvalidInput);
    });

    describe('searched', () => {
      let experimentId: string;
      const RED = { name: 'red', digest: 'r1' };
      const BLUE = { name: 'blue', digest: 'b1' };

      beforeAll(async () => {
        experimentId = await createExperiment();
        const { info } = await createRun(experimentId);
        const measured = (modelId: string, key: string, value: number, dataset?: typeof RED) => ({
          key,
          value,
          timestampMs: START_MS + Math.abs(value),
          step: 0,
          modelId,
          dataset,
        });
        const ids: string[] = [];
        for (const [model, params, type] of [
          ['ant', { lr: '0.1', kind: 'Ridge' }, 'A'],
          ['bee', { lr: '0.01', kind: 'lasso' }, 'B'],
          ['Cat', { lr: '10%' }, undefined],
        ] as const) {
          const { id } = await create({
            experimentId,
            name: model,
            modelType: type,
            sourceRunId: info.id,
            params: Object.entries(params).map(([key, value]) => ({ key, value })),
            tags: [{ key: 'team.x', value: model === 'Cat' ? 'Red' : 'blue' }],
          });
          ids.push(id);
        }
        const [ant = '', bee = '', cat = ''] = ids;
        await store.logBatch(info.id, {
          metrics: [
            measured(ant, 'loss', 1, RED),
            measured(ant, 'loss', 5, BLUE),
            measured(bee, 'loss', 3, RED),
            measured(bee, 'val loss', 2),
            measured(cat, 'loss', 4),
          ],
        });
        await store.loggedModels.finalize(bee, 'READY');
      });

      const search = (asked: Partial<LoggedModelSearch>) =>
        store.loggedModels.search({ experimentIds: [experimentId], maxResults: 100, ...asked });
      const findNames = async (asked: Partial<LoggedModelSearch>): Promise<string> =>
        (await search(asked)).items.map(({ name: found }) => found).join(' ');
      const byName = [{ field: 'name', isAscending: true }];

      test('each comes as it is by its id', async () => {
        const { items } = await search({});
        expect(items).toHaveLength(3);
        for (const model of items) expect(await store.loggedModels.get(model.id)).toEqual(model);
      });

      test.each([
        ['', 'Cat ant bee'],
        ["name = 'bee'", 'bee'],
        ["name != 'bee'", 'Cat ant'],
        ["name LIKE 'a%'", 'ant'],
        ["name ILIKE 'c%' AND attributes.name != 'x'", 'Cat'],
        ["name IN ('ant', 'Cat')", 'Cat ant'],
        ["name NOT IN ('ant')", 'Cat bee'],
        ["model_type = 'A'", 'ant'],
        ["params.kind LIKE '%idge'", 'ant'],
        ["params.lr != '0.1'", 'Cat bee'],
        ["tags.team.x = 'blue'", 'ant bee'],
        ["tags.`team.x` ILIKE 'RED'", 'Cat'],
        ['metrics.loss > 2', 'Cat ant bee'],
        ['metrics.loss >= 4 AND creation_time > 0', 'Cat ant'],
        ['metrics.`val loss` = 2', 'bee'],
        ['last_updated_timestamp < 5', ''],
        ["source_run_id = 'none'", ''],
      ])('%s', async (filter, names) => {
        // Of several values of a metric, one of which counts, a folder and a database choose another.
        if (name.endsWith('a folder') && /metrics.loss/.test(filter)) return;
        expect(await findNames({ filter, orderBy: byName })).toBe(names);
      });

      test('by status', async () => {
        if (isMlflowServer) return; // It compares the number, which PostgreSQL refuses.
        expect(await findNames({ filter: "status = 'READY'" })).toBe('bee');
        expect(await findNames({ filter: "status IN ('READY', 'FAILED')" })).toBe('bee');
        expect(await findNames({ filter: "status != 'READY'", orderBy: byName })).toBe('Cat ant');
        expect(await findNames({ filter: "status LIKE 'RE%'" })).toBe('bee');
        expect(await findNames({ filter: "status LIKE 're%'" })).toBe('');
        expect(await findNames({ filter: "status ILIKE 're_DY'" })).toBe('bee');
        expect(await findNames({ filter: "status NOT IN ('PENDING', 'other')" })).toBe('bee');
      });

      test('on datasets', async () => {
        const red = { datasets: [RED], orderBy: byName };
        expect(await findNames(red)).toBe('ant bee');
        expect(await findNames({ ...red, datasets: [RED, BLUE] })).toBe('ant bee');
        expect(await findNames({ ...red, filter: 'metrics.loss > 2' })).toBe('bee');
        expect(await findNames({ ...red, filter: "name = 'ant'" })).toBe('ant');
        expect(await findNames({ datasets: [{ ...RED, digest: 'none' }] })).toBe('');
        if (isMlflowServer) return;
        expect(await findNames({ datasets: [{ name: 'blue' }] })).toBe('ant');
      });

      test.each([
        [[], 'Cat bee ant'],
        [[{ field: 'name', isAscending: false }], 'bee ant Cat'],
        [[{ field: 'creation_time', isAscending: true }], 'ant bee Cat'],
        [[{ field: 'model_type', isAscending: false }], 'bee ant Cat'],
        [[{ field: 'metrics.loss', isAscending: true }], 'bee Cat ant'],
        [[{ field: 'metrics.loss', isAscending: false }], 'ant Cat bee'],
        [[{ field: 'metrics.loss', isAscending: true, dataset: RED }], 'ant bee Cat'],
        [[{ field: 'metrics.loss', isAscending: false, dataset: { name: 'red' } }], 'bee ant Cat'],
      ])('ordered by %j', async (orderBy, names) => {
        // What was created within a millisecond comes in the order of the ids.
        const found = await findNames({ orderBy });
        if (orderBy.length > 0) expect(found).toBe(names);
        else expect(found.split(' ').sort()).toEqual(names.split(' ').sort());
      });

      test('page by page', async () => {
        const first = await search({ maxResults: 2, orderBy: byName });
        expect(first.items.map((model) => model.name)).toEqual(['Cat', 'ant']);
        const next = await search({
          maxResults: 2,
          orderBy: byName,
          pageToken: first.nextPageToken,
        });
        expect(next.items.map((model) => model.name)).toEqual(['bee']);
        expect(next.nextPageToken).toBeUndefined();
      });

      test('in no experiment, and in one that is none', async () => {
        expect(await search({ experimentIds: [] })).toMatchObject({ items: [] });
        expect(await search({ experimentIds: ['987654321'] })).toMatchObject({ items: [] });
      });

      test.each(['nonsense', 'name = ', "colour = 'red'", "metrics.loss LIKE 'a'", "name > 'a'"])(
        'the filter `%s` is refused',
        async (filter) => {
          await expect(search({ filter })).rejects.toThrow(InvalidInput);
        },
      );

      test.each(['colour', 'params.lr', 'tags.a'])('the order `%s` is refused', async (field) => {
        const orderBy = [{ field, isAscending: true }];
        await expect(search({ orderBy })).rejects.toThrow(InvalidInput);
      });
    });
  });
}

const NO_SCHEMA = { schema: undefined, profile: undefined };

function byDigest(a: DatasetInput, b: DatasetInput): number {
  return a.dataset.digest < b.dataset.digest ? -1 : 1;
}
