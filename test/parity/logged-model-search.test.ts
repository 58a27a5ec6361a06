import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTrackingStore } from '../../src/tracking/open.ts';
import type { LoggedModelOrder, TrackingStore } from '../../src/tracking/store.ts';
import { createTestContext } from '../setup/context.ts';
import { askPython } from '../setup/mlflow.ts';

const FILTERS: readonly string[] = [
  "name = 'ant'",
  "name='ant'",
  "name = 'ant' AND params.lr = '0.1'",
  "name = 'ant' and name != 'bee' AND tags.team = 'a'",
  "name LIKE '%a%'",
  "name ILIKE 'B%'",
  "name IN ('ant', 'bee')",
  "name NOT IN ('ant')",
  "attributes.name = 'bee'",
  "`name` = 'bee'",
  "model_type = 'A'",
  "model_id LIKE 'm-%'",
  "source_run_id = 'none'",
  "artifact_location LIKE '%/artifacts'",
  'creation_time > 0',
  'creation_timestamp >= 1.5',
  'creation_timestamp_ms < 10',
  'last_updated_timestamp > 0',
  'metrics.loss > 1',
  'metrics.loss < -0.5',
  'metrics.loss = 2',
  'metrics.loss != 2',
  'metrics.`val loss` >= 0.25',
  'metrics.loss > 1 AND metrics.loss < 3',
  "params.`odd.key` = 'x'",
  "params.odd.key = 'x'",
  "params.lr != '0.1'",
  "params.lr LIKE '0%'",
  "params.none = 'x'",
  "tags.team IN ('a', 'b')",
  "tags.team = 'A'",
  "tags.quote = 'say ''hi'''",
  // Refused by both.
  "name > 'a'",
  "metrics.loss = 'x'",
  "metrics.loss LIKE 'x'",
  "colour = 'red'",
  "colours.x = 'red'",
  "name = 'a' OR name = 'b'",
  'name',
  'name IS NULL',
  'creation_time LIKE 5',
];

const RED = { name: 'red', digest: 'r' };
const ORDERS: readonly (readonly LoggedModelOrder[])[] = [
  [{ field: 'name', isAscending: true }],
  [{ field: 'name', isAscending: false }],
  [{ field: 'model_type', isAscending: true }],
  [{ field: 'creation_timestamp', isAscending: true }],
  [{ field: 'metrics.loss', isAscending: true }],
  [{ field: 'metrics.loss', isAscending: false }],
  [{ field: 'metrics.loss', isAscending: true, dataset: RED }],
  [{ field: 'metrics.loss', isAscending: false, dataset: { name: 'red' } }],
  [{ field: 'metrics.val loss', isAscending: false }],
  [{ field: 'params.lr', isAscending: true }],
  [{ field: 'colour', isAscending: true }],
];

const ASK = `
import json, sys, time
from mlflow import MlflowClient
from mlflow.entities import Metric
uri, filters, orders = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
client = MlflowClient(uri)
run = client.create_run("0").info.run_id
for name, kind, tag, params, losses in [
    ("ant", "A", "a", {"lr": "0.1", "odd.key": "x"}, [(1.5, 5, None), (2, 9, "red")]),
    ("bee", "B", "b", {"lr": "0.01"}, [(4, 7, "red"), (-1, 8, None)]),
    ("Cat", None, "a", {}, []),
]:
    time.sleep(0.01)
    model = client.create_logged_model("0", name, run, {"team": tag, "quote": "say 'hi'"}, params, kind)
    for value, at, data in losses:
        client.log_batch(run, [Metric("loss", value, at, 0, model_id=model.model_id, dataset_name=data, dataset_digest=data and "r")])
    if name == "bee": client.log_batch(run, [Metric("val loss", 0.25, 5, 0, model_id=model.model_id)])
def names(**asked):
    try: return [m.name for m in client.search_logged_models(["0"], **asked)]
    except Exception: return None
print()
print(json.dumps([[names(filter_string=f, order_by=[{"field_name": "name"}]) for f in filters], [names(order_by=o) for o in orders]]))
`;

type Names = readonly string[] | null;

let folder: string;
let store: TrackingStore;
let theirs: readonly [filters: readonly Names[], orders: readonly Names[]];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-model-search-'));
  const uri = `sqlite:///${folder}/m.db`;
  const orders = ORDERS.map((keys) =>
    keys.map(({ field, isAscending, dataset }) => ({
      field_name: field,
      ascending: isAscending,
      ...(dataset?.name && { dataset_name: dataset.name }),
      ...(dataset?.digest && { dataset_digest: dataset.digest }),
    })),
  );
  const args = [uri, JSON.stringify(FILTERS), JSON.stringify(orders)];
  theirs = await askPython(ASK, args, { cwd: folder });
  store = await openTrackingStore(uri, createTestContext({ cwd: folder }));
});
afterAll(async () => {
  await store?.close();
  await rm(folder, { recursive: true, force: true });
});

async function findNames(filter: string, orderBy: readonly LoggedModelOrder[]): Promise<Names> {
  const search = { experimentIds: ['0'], maxResults: 100, filter, orderBy };
  return store.loggedModels.search(search).then(
    ({ items }) => items.map(({ name }) => name),
    () => null,
  );
}

test.each(FILTERS.map((filter, index) => [filter, index] as const))(
  'the filter %s finds what it finds in MLflow',
  async (filter, index) => {
    const orderBy = [{ field: 'name', isAscending: true }];
    expect(await findNames(filter, orderBy)).toEqual(theirs[0][index]);
  },
);

test.each(ORDERS.map((order, index) => [order, index] as const))(
  'the order %j is that of MLflow',
  async (order, index) => {
    expect(await findNames('', order)).toEqual(theirs[1][index]);
  },
);
