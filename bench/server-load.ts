import { setTimeout as sleep } from 'node:timers/promises';
import { type Load, loadScript } from './load.ts';

/** What is asked of a tracking server; each is a script of wrk's, so that the client costs next to nothing. */
export const ASKED = {
  'runs/create': () => post('runs/create', `'{"experiment_id":"0"}'`),
  'log-metric': (runId: string) =>
    post('runs/log-metric', `'{"run_id":"${runId}","key":"m",' .. values(n) .. '}'`),
  'log-batch of 100 metrics': (runId: string) => `${post(
    'runs/log-batch',
    `'{"run_id":"${runId}","metrics":[' .. points(n) .. ']}'`,
  )}
local keys = {}
for key = 0, 99 do keys[#keys + 1] = '{"key":"m' .. key .. '",' end
function points(n)
  local rest = values(n) .. '}'
  return table.concat(keys, rest .. ',') .. rest
end
`,
  'runs/search, page of 100': () => post('runs/search', `'${JSON.stringify(PAGE)}'`),
  'runs/search, filter and order': () => post('runs/search', `'${JSON.stringify(FILTERED)}'`),
  'history of a metric': (runId: string) =>
    `wrk.path = '/api/2.0/mlflow/metrics/get-history?metric_key=long&run_id=${runId}'\n`,
} as const;

export type Asked = keyof typeof ASKED;

const PAGE = { experiment_ids: ['0'], max_results: 100 };
const FILTERED = { ...PAGE, filter: 'metrics.m > 10', order_by: ['metrics.m DESC'] };

/** A request with `n`, which is another number each time. */
function post(path: string, body: string): string {
  return `
local n = ${Date.now() % 1_000_000} * 1000
wrk.headers['Content-Type'] = 'application/json'
function values(n)
  return string.format('"value":%g,"timestamp":%d,"step":%d', n / 2, 1700000000000 + n, n)
end
function request()
  n = n + 1
  return wrk.format('POST', '/api/2.0/mlflow/${path}', nil, ${body})
end
`;
}

/** How one thing goes that is asked over and over. @throws Error where any answer was a failure: that is no figure. */
export async function loadServer(
  uri: string,
  asked: Asked,
  runId: string,
  options: { readonly connections: number; readonly seconds: number },
): Promise<Load> {
  const load = await loadScript(uri, ASKED[asked](runId), options);
  if (load.failed > 0) console.log(`${load.failed} requests failed: ${asked} at ${uri}`);
  return load;
}

/** Asked again for a minute: MLflow goes on for a while with what was asked before, and its database is locked. */
export async function createRun(uri: string): Promise<string> {
  for (const deadline = Date.now() + 60_000; ; await sleep(500)) {
    const answer = await fetch(`${uri}/api/2.0/mlflow/runs/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ experiment_id: '0' }),
    });
    const text = await answer.text();
    if (answer.ok)
      return (JSON.parse(text) as { run: { info: { run_id: string } } }).run.info.run_id;
    if (Date.now() > deadline) throw new Error(`${uri} makes no run: ${text}`);
  }
}
