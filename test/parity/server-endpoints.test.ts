import { afterAll, beforeAll, expect, test } from 'vitest';
import { askPython, type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';

/** What mlts leaves out on purpose, by the beginning of its path below `/api/N.0` and `/ajax-api/N.0`. */
const LEFT_OUT: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^\/mlflow\/(traces|unified-traces|get-trace-artifact|get-online-trace-details)/, 'traces'],
  [/^\/mlflow\/(assessments|label-schemas|review-queues|issues|scorers?)(\/|$)/, 'about traces'],
  [/^\/mlflow\/datasets\//, 'GenAI evaluation datasets'],
  [/^\/mlflow\/prompt-optimization/, 'prompts'],
  [/^\/mlflow\/gateway/, 'gateway'],
  [/^\/mlflow\/runs\/create-promptlab-run$/, 'gateway'],
  [/^\/mlflow\/(genai|demo|jobs)\//, "run in MLflow's Python"],
  [/^\/mlflow\/webhooks/, 'webhooks'],
  [/^\/mlflow\/workspaces/, 'workspaces'],
  [/^\/mlflow\/ui-telemetry$/, "of MLflow's own pages"],
  [/^\/(graphql|build\/|static-files\/)/, "of MLflow's own pages"],
  [/^mlflow\//, 'a slip of MLflow: no slash after the version'],
];

let server: MltsServer;
let theirs: RunningServer;
beforeAll(async () => {
  [server, theirs] = await Promise.all([startMltsServer(), startMlflowServer()]);
});
afterAll(async () => {
  await Promise.all([server?.stop(), theirs?.stop()]);
});

/** Every address of MLflow's server with its methods, as Flask knows them. */
const LIST = `
import json
from mlflow.server import app
print(json.dumps([[str(rule), sorted(rule.methods - {"HEAD", "OPTIONS"})] for rule in app.url_map.iter_rules()]))
`;

/** What is possible at an address; undefined where there is nothing. */
async function readAllowed(path: string): Promise<readonly string[] | undefined> {
  const answer = await fetch(server.uri + path, { method: 'OPTIONS' });
  if (answer.status !== 404) return (answer.headers.get('allow') ?? '').split(', ');
  expect(await answer.json()).toMatchObject({ error_code: 'ENDPOINT_NOT_FOUND' });
  return undefined;
}

test("every endpoint of MLflow's is there, or left out for a reason", async () => {
  const rules = await askPython<[path: string, methods: string[]][]>(LIST);
  const wanting: string[] = [];
  const needless = new Set(LEFT_OUT);
  for (const [path, methods] of rules) {
    const below = path.replace(/^\/(ajax-)?api\/\d\.0/, '');
    const reason = LEFT_OUT.find(([pattern]) => pattern.test(below));
    const allowed = await readAllowed(path.replace(/<[^>]+>/g, 'x'));
    if (reason === undefined) {
      const lacks = methods.filter((method) => !allowed?.includes(method));
      wanting.push(...lacks.map((method) => `${method} ${path}`));
    } else {
      needless.delete(reason);
      if (allowed !== undefined) wanting.push(`${path} is there: it is no longer left out`);
    }
  }
  expect(rules.length).toBeGreaterThan(300);
  expect(wanting).toEqual([]);
  expect([...needless].map(([, why]) => why)).toEqual([]);
});

/** Asks both servers the same and shows what differs, ids apart. */
async function askBoth(work: (uri: string) => Promise<unknown>): Promise<unknown> {
  const [their, our] = [await work(theirs.uri), await work(server.uri)];
  expect(our).toEqual(their);
  return our;
}

async function post(uri: string, path: string, body: unknown) {
  const answer = await fetch(uri + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const json = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, json };
}

async function createRun(uri: string): Promise<string> {
  const { json } = await post(uri, '/api/2.0/mlflow/runs/create', { experiment_id: '0' });
  return (json as { run: { info: { run_id: string } } }).run.info.run_id;
}

test("datasets are told as MLflow's pages ask for them", async () => {
  const SEARCH = '/ajax-api/2.0/mlflow/experiments/search-datasets';
  const told = await askBoth(async (uri) => {
    const dataset = { name: 'rows', digest: 'd', source_type: 'local', source: 'x' };
    const tags = [{ key: 'mlflow.data.context', value: 'train' }];
    for (const datasets of [[{ dataset, tags }], [{ dataset: { ...dataset, digest: 'e' } }]]) {
      const run = { run_id: await createRun(uri), datasets };
      await post(uri, '/api/2.0/mlflow/runs/log-inputs', run);
    }
    const { json } = await post(uri, SEARCH, { experiment_ids: ['0', '77'] });
    const { dataset_summaries: found } = json as { dataset_summaries: { digest: string }[] };
    return found.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  });
  expect(told).toEqual([
    { experiment_id: '0', name: 'rows', digest: 'd', context: 'train' },
    { experiment_id: '0', name: 'rows', digest: 'e' },
  ]);
  for (const experimentIds of [[], ['77'], Array.from({ length: 21 }, String)]) {
    await askBoth(async (uri) => {
      const { status, json } = await post(uri, SEARCH, { experiment_ids: experimentIds });
      return { status, code: json.error_code, found: json.dataset_summaries };
    });
  }
});

test('a page may send a small artifact', async () => {
  await askBoth(async (uri) => {
    const run = await createRun(uri);
    const upload = `${uri}/ajax-api/2.0/mlflow/upload-artifact?run_uuid=`;
    const send = async (query: string, body: string) =>
      (await fetch(upload + query, { method: 'POST', body })).status;
    const statuses = [
      await send(`${run}&path=a/b.txt`, 'hello'),
      await send(`${run}&path=../b.txt`, 'hello'),
      await send(`${run}&path=c.txt`, ''),
      await send(`${run}`, 'hello'),
      await send(`&path=c.txt`, 'hello'),
      await send(`${run}&path=large`, 'x'.repeat(10 * 1024 * 1024 + 1)),
    ];
    const kept = await fetch(`${uri}/get-artifact?run_id=${run}&path=a/b.txt`);
    return { statuses, kept: await kept.text() };
  });
});

test("histories of many runs are told as MLflow's pages ask for them", async () => {
  const told = await askBoth(async (uri) => {
    const runs = [await createRun(uri), await createRun(uri)].toSorted();
    for (const [index, run] of runs.entries()) {
      const metrics = Array.from({ length: 12 }, (_, step) => ({
        key: 'loss',
        // No NaN: MLflow tells it so that it is no JSON.
        value: step / 2 + index,
        timestamp: 1_000 + step,
        step: step % 10,
      }));
      await post(uri, '/api/2.0/mlflow/runs/log-batch', { run_id: run, metrics });
    }
    const ask = async (path: string) => {
      const filled = path.replaceAll('A', runs[0] ?? '').replaceAll('B', runs[1] ?? '');
      const answer = await fetch(`${uri}/ajax-api/2.0/mlflow/metrics/${filled}`);
      const { metrics, error_code: code } = (await answer.json()) as Record<string, unknown>;
      const named = JSON.stringify(metrics)?.replace(
        /[0-9a-f]{32}/g,
        (id) => `${runs.indexOf(id)}`,
      );
      return { status: answer.status, code, metrics: JSON.parse(named ?? 'null') as unknown };
    };
    const answers = [];
    for (const query of [
      'get-history-bulk?run_id=A&run_id=B&metric_key=loss',
      'get-history-bulk?run_id=B&run_id=A&metric_key=loss&max_results=15',
      'get-history-bulk?run_id=A&metric_key=none',
      `get-history-bulk?run_id=${'f'.repeat(32)}&metric_key=loss`,
      'get-history-bulk?run_id=A',
      'get-history-bulk?metric_key=loss',
      'get-history-bulk-interval?run_ids=A&run_ids=B&metric_key=loss&max_results=5',
      'get-history-bulk-interval?run_ids=A&metric_key=loss&start_step=3&end_step=9&max_results=3',
      'get-history-bulk-interval?run_ids=A&metric_key=loss&start_step=9&end_step=3',
      'get-history-bulk-interval?run_ids=A&metric_key=loss&start_step=9',
      'get-history-bulk-interval?run_ids=A&metric_key=loss&max_results=0',
      'get-history-bulk-interval?run_ids=A',
    ]) {
      answers.push({ query, ...(await ask(query)) });
    }
    return answers;
  });
  expect((told as { status: number }[]).map(({ status }) => status)).toContain(200);
});
