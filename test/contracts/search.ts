import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Run } from '../../src/core/entities.ts';
import { InvalidInput } from '../../src/core/errors.ts';
import type {
  ExperimentSearch,
  RunData,
  RunScan,
  RunSearch,
  TrackingStore,
} from '../../src/tracking/store.ts';

const START_MS = 1_700_000_000_000;

interface Given extends RunData {
  readonly name: string;
  readonly startTimeMs: number;
}

const pairs = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([key, value]) => ({ key, value }));
const numbers = (values: Readonly<Record<string, number>>) =>
  Object.entries(values).map(([key, value]) => ({ key, value, timestampMs: START_MS, step: 0 }));

const RUNS: readonly Given[] = [
  {
    name: 'ant',
    startTimeMs: START_MS,
    metrics: numbers({ loss: 0.5, 'val loss': 1 }),
    params: pairs({ lr: '0.1', model: 'Ridge' }),
    tags: pairs({ team: 'Red', 'a.b': 'x' }),
  },
  {
    name: 'bee',
    startTimeMs: START_MS + 1,
    metrics: numbers({ loss: -2, 'val loss': 3 }),
    params: pairs({ lr: '0.01', model: 'lasso' }),
    tags: pairs({ team: 'red' }),
  },
  {
    name: 'Cat',
    startTimeMs: START_MS + 2,
    metrics: numbers({ loss: Number.NaN }),
    params: pairs({ lr: '10%', model: 'ridge' }),
    tags: pairs({ team: "it''s" }),
  },
  { name: 'dog', startTimeMs: START_MS + 2, params: pairs({ lr: '' }) },
];

/** What each filter finds, by name; the search adds the order by name. */
const FILTERS: readonly (readonly [string, string])[] = [
  ['', 'Cat ant bee dog'],
  ['metrics.loss > 0', 'ant'],
  ['metrics.loss <= 0.5', 'ant bee'],
  ['metrics.loss = -2.0', 'bee'],
  ['metrics.loss != 0.5', 'Cat bee'],
  ['metrics.loss = 0', ''],
  ['metrics.`val loss` >= 1 AND metrics.loss < 0', 'bee'],
  ["params.model = 'ridge'", 'Cat'],
  ["params.model != 'ridge'", 'ant bee'],
  ["params.model LIKE 'r%'", 'Cat'],
  ["params.model LIKE '%idg_'", 'Cat ant'],
  ["params.model ILIKE 'R%'", 'Cat ant'],
  ["params.lr LIKE '10_'", 'Cat'],
  ['params.lr = ""', 'dog'],
  ['params.model IS NULL', 'dog'],
  ['params.lr IS NOT NULL and tags.team is null', 'dog'],
  ["tags.team = 'Red'", 'ant'],
  ["tags.team ILIKE 'red'", 'ant bee'],
  ["tags.team = 'it''s'", 'Cat'],
  ["tag.`a.b` = 'x'", 'ant'],
  ["tags.a.b = 'x'", 'ant'],
  ["run_name = 'bee'", 'bee'],
  ["attributes.`run name` LIKE '%a%'", 'Cat ant'],
  ["tags.mlflow.runName != 'bee'", 'Cat ant dog'],
  ["status = 'RUNNING' AND user_id = 'ann'", 'Cat ant bee dog'],
  ["attr.status != 'RUNNING'", ''],
  [`start_time > ${START_MS} AND created < ${START_MS + 2}`, 'bee'],
  ['end_time > 0', ''],
  ["artifact_uri LIKE '%/artifacts' AND params.lr = '0.1'", 'ant'],
  ["run_id IN ('nothing', 'none')", ''],
  ["run_id NOT IN ('nothing')", 'Cat ant bee dog'],
  ["dataset.name = 'none'", ''],
];

const ORDERS: readonly (readonly [readonly string[], string])[] = [
  [[], 'dog/Cat bee ant'],
  [['start_time ASC'], 'ant bee dog/Cat'],
  [['metrics.loss'], 'bee ant Cat dog'],
  [['metrics.loss DESC'], 'ant bee Cat dog'],
  [['params.lr DESC', 'run_name'], 'Cat ant bee dog'],
  [['tags.`a.b`', 'attributes.start_time', 'params.model'], 'ant bee Cat dog'],
];

/** What every tracking store promises of its searches; `open` is called once. */
export function testSearch(name: string, open: () => Promise<TrackingStore>): void {
  describe(`${name} searched`, () => {
    let store: TrackingStore;
    let experimentId: string;
    const idsByName = new Map<string, string>();

    beforeAll(async () => {
      store = await open();
      experimentId = await store.createExperiment({ name: `search ${randomUUID()}` });
      for (const { name: runName, startTimeMs, ...data } of RUNS) {
        const run = { experimentId, userId: 'ann', startTimeMs, tags: [], runName };
        const { info } = await store.createRun(run);
        await store.logBatch(info.id, data);
        idsByName.set(runName, info.id);
      }
    });
    afterAll(() => store?.close());

    const search = (asked: Partial<RunSearch>) =>
      store.searchRuns({
        experimentIds: [experimentId],
        view: 'active_only',
        maxResults: 100,
        ...asked,
      });
    const findNames = async (asked: Partial<RunSearch>): Promise<readonly string[]> =>
      (await search(asked)).items.map(({ info }) => info.name);

    test.each(FILTERS)('runs where %s', async (filter, names) => {
      expect([...(await findNames({ filter }))].sort().join(' ')).toBe(names);
    });

    test.each(ORDERS)('runs ordered by %j', async (orderBy, names) => {
      // Two started at once: they come by their ids, which are random.
      const [first = '', second = ''] = ['Cat', 'dog'].sort((a, b) =>
        (idsByName.get(a) ?? '') < (idsByName.get(b) ?? '') ? -1 : 1,
      );
      const expected = names.replace('dog/Cat', `${first} ${second}`);
      expect((await findNames({ orderBy })).join(' ')).toBe(expected);
    });

    test('a run is found whole', async () => {
      const [found] = (await search({ filter: "run_name = 'ant'" })).items;
      expect(found).toEqual(await store.getRun(idsByName.get('ant') ?? ''));
      expect(await store.getRunLinks(found?.info.id ?? '')).toEqual({
        datasetInputs: [],
        modelInputs: [],
        modelOutputs: [],
      });
    });

    test('pages hold all runs once, and their tokens are those of MLflow', async () => {
      const first = await search({ maxResults: 3 });
      expect(first.items).toHaveLength(3);
      expect(first.nextPageToken).toBe(btoa('{"offset": 3}'));
      const second = await search({ maxResults: 3, pageToken: first.nextPageToken });
      expect(second.nextPageToken).toBeUndefined();
      const ids = [...first.items, ...second.items].map(({ info }) => info.id);
      expect(new Set(ids)).toEqual(new Set(idsByName.values()));
      expect((await search({ maxResults: 4 })).nextPageToken).toBeUndefined();
    });

    test('a scan gives all runs of a search in its order, as many as are asked for', async () => {
      const scan = async (asked: Partial<RunScan>) => {
        const parts = store.scanRuns({
          experimentIds: [experimentId],
          view: 'active_only',
          orderBy: ['attributes.run_name DESC'],
          ...asked,
        });
        const found: (readonly Run[])[] = [];
        for await (const part of parts) found.push(part);
        return found;
      };
      const whole = (await scan({})).flat();
      expect(whole).toEqual((await search({ orderBy: ['attributes.run_name DESC'] })).items);
      expect(whole.length).toBe(idsByName.size);
      expect((await scan({ maxResults: 2 })).flat()).toEqual(whole.slice(0, 2));
      expect(await scan({ filter: "run_name = 'none'" })).toEqual([[]]);
      expect(await scan({ experimentIds: [] })).toEqual([[]]);
      const [bare] = (await scan({ filter: "run_name = 'ant'", isInfoEnough: true })).flat();
      expect(bare?.info).toEqual(whole.find(({ info }) => info.name === 'ant')?.info);
      await expect(scan({ filter: 'metrics.loss <' })).rejects.toThrow(InvalidInput);
    });

    test('deleted runs are shown where they are asked for', async () => {
      const { info } = await store.createRun({
        experimentId,
        userId: 'bob',
        startTimeMs: START_MS,
        tags: [],
      });
      await store.deleteRun(info.id);
      const filter = "user_id = 'bob'";
      const count = async (view: RunSearch['view']) => (await findNames({ filter, view })).length;
      expect(await count('active_only')).toBe(0);
      expect(await count('deleted_only')).toBe(1);
      expect(await count('all')).toBe(1);
    });

    test('no runs in no experiments', async () => {
      expect((await search({ experimentIds: [] })).items).toEqual([]);
      expect((await search({ experimentIds: ['987654321'] })).items).toEqual([]);
    });

    test.each([
      [{ filter: 'metrics.loss < small' }, /a number is missing.*\n.*\n {17}\^$/],
      [{ filter: "params.lr = '1' OR params.lr = '2'" }, /there is no OR\n.*\n {18}\^$/],
      [{ orderBy: ['metrics.loss down'] }, /neither ASC nor DESC/],
      [{ maxResults: 0 }, /0 results/],
      [{ maxResults: 50_001 }, /50001 results/],
      [{ pageToken: 'bm9uc2Vuc2U=' }, /token/],
    ])('%j is refused', async (asked, message) => {
      await expect(search(asked)).rejects.toThrow(InvalidInput);
      await expect(search(asked)).rejects.toThrow(message);
    });

    describe('for experiments', () => {
      const prefix = `find-${randomUUID().slice(0, 8)}`;
      beforeAll(async () => {
        await store.createExperiment({ name: `${prefix}-a`, tags: pairs({ team: 'red' }) });
        await store.createExperiment({ name: `${prefix}-B`, tags: pairs({ team: 'blue' }) });
        const gone = await store.createExperiment({ name: `${prefix}-c` });
        await store.deleteExperiment(gone);
      });
      const find = async (asked: Partial<ExperimentSearch>) => {
        const filter = [`name LIKE '${prefix}%'`, asked.filter ?? ''].filter(Boolean).join(' AND ');
        const defaults = { view: 'active_only', maxResults: 100 } as const;
        const page = await store.searchExperiments({ ...defaults, ...asked, filter });
        return page.items.map((experiment) => experiment.name.slice(prefix.length + 1)).join(' ');
      };

      test.each([
        ["tags.team = 'red'", 'a'],
        ["tag.team != 'red'", 'B'],
        ['tags.team IS NOT NULL', 'a B'],
        ['tags.`team` IS NULL', ''],
        ["name ILIKE '%b'", 'B'],
        ["name LIKE '%b'", ''],
        [`creation_time > ${START_MS}`, 'a B'],
        ["experiment_id = '0'", ''],
        ["experiment_id NOT IN ('0', '987654321')", 'a B'],
      ])('where %s', async (filter, names) => {
        expect(await find({ filter, orderBy: ['creation_time'] })).toMatch(
          names === 'a B' ? /^(a B|B a)$/ : new RegExp(`^${names}$`),
        );
      });

      test('in an order, and with the deleted ones', async () => {
        expect(await find({ orderBy: ['name DESC'] })).toBe('a B');
        expect(await find({ orderBy: ['name'] })).toBe('B a');
        expect(await find({ view: 'deleted_only' })).toBe('c');
        expect(await find({ view: 'all', orderBy: ['name'] })).toBe('B a c');
      });

      test('found whole', async () => {
        const filter = `name = '${prefix}-a'`;
        const { items } = await store.searchExperiments({
          filter,
          view: 'all',
          maxResults: 1,
        });
        expect(items).toEqual([await store.getExperimentByName(`${prefix}-a`)]);
      });
    });
  });
}
