import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningServer } from '../setup/mlflow.ts';
import { startMlflowAuthServer } from '../setup/mlflow-auth.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';

const ADMIN = 'the first password';
const PASSWORD = 'everybody has this one';
/** What each is granted beside reading, which everybody may; alice makes what there is. */
const GRANTS: Readonly<Record<string, readonly (readonly [string, string, string])[]>> = {
  alice: [],
  bob: [],
  carol: [['experiment', '1', 'DENY']],
  dave: [
    ['experiment', '1', 'EDIT'],
    ['registered_model', 'm', 'DENY'],
  ],
  erin: [
    ['run', '*', 'DENY'],
    ['logged_model', '*', 'MANAGE'],
  ],
  frank: [
    ['run', '*', 'MANAGE'],
    ['logged_model', '*', 'DENY'],
    ['registered_model_version', '*', 'DENY'],
  ],
};
const ASKING = ['bob', 'carol', 'dave', 'erin', 'frank'];

let theirs: RunningServer;
let ours: MltsServer;
beforeAll(async () => {
  [theirs, ours] = await Promise.all([
    startMlflowAuthServer(ADMIN),
    startMltsServer(['--app-name', 'basic-auth'], { MLFLOW_AUTH_ADMIN_PASSWORD: ADMIN }),
  ]);
}, 180_000);
afterAll(async () => {
  await Promise.all([theirs?.stop(), ours?.stop()]);
});

interface Asked {
  readonly as: string;
  readonly method: string;
  readonly path: string;
  readonly sent?: unknown;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The path goes out as it is written. */
function ask(uri: string, { as, method, path, sent }: Asked): Promise<Answer> {
  const { hostname, port } = new URL(uri);
  const login = `${as}:${as === 'admin' ? ADMIN : PASSWORD}`;
  const isText = typeof sent === 'string';
  const headers = {
    authorization: `Basic ${Buffer.from(login).toString('base64')}`,
    'content-type': isText ? 'text/plain' : 'application/json',
  };
  return new Promise((resolve, reject) => {
    const asking = request({ hostname, port, method, path, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asking.once('error', reject);
    asking.end(sent === undefined ? undefined : isText ? sent : JSON.stringify(sent));
  });
}

async function askJson<T>(uri: string, path: string, sent: unknown, as = 'alice'): Promise<T> {
  const answer = await ask(uri, { as, method: 'POST', path: `/api/${path}`, sent });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return JSON.parse(answer.text || '{}') as T;
}

interface Made {
  readonly run: string;
  readonly model: string;
}

async function prepare(uri: string): Promise<Made> {
  const V2 = '2.0/mlflow';
  for (const username of Object.keys(GRANTS)) {
    await askJson(uri, `${V2}/users/create`, { username, password: PASSWORD }, 'admin');
  }
  await askJson(uri, `${V2}/experiments/create`, { name: 'e' });
  await askJson(uri, `${V2}/experiments/create`, { name: 'other' });
  for (const [username, grants] of Object.entries(GRANTS)) {
    for (const [resource_type, resource_id, permission] of grants) {
      const grant = { username, resource_type, resource_id, permission };
      await askJson(uri, '3.0/mlflow/users/permissions/grant', grant, 'admin');
    }
  }
  type Run = { run: { info: { run_id: string } } };
  const made = await askJson<Run>(uri, `${V2}/runs/create`, { experiment_id: '1' });
  const run = made.run.info.run_id;
  type Model = { model: { info: { model_id: string } } };
  const logged = { experiment_id: '1', name: 'logged', source_run_id: run };
  const { model } = await askJson<Model>(uri, `${V2}/logged-models`, logged);
  await askJson(uri, `${V2}/registered-models/create`, { name: 'm' });
  for (const path of [
    `1/${run}/artifacts/a.txt`,
    `1/models/${model.info.model_id}/artifacts/b.txt`,
  ]) {
    const put = `/api/2.0/mlflow-artifacts/artifacts/${path}`;
    await ask(uri, { as: 'alice', method: 'PUT', path: put, sent: 'text' });
  }
  const source = `mlflow-artifacts:/1/${run}/artifacts`;
  await askJson(uri, `${V2}/model-versions/create`, { name: 'm', source, run_id: run });
  return { run, model: model.info.model_id };
}

const PROXY = '/api/2.0/mlflow-artifacts';
const API = '/api/2.0/mlflow';
const AJAX = '/ajax-api/2.0/mlflow';

function listQuestions({ run, model }: Made, as: string): readonly Asked[] {
  const get = (path: string): Asked => ({ as, method: 'GET', path });
  const post = (path: string, sent: unknown): Asked => ({ as, method: 'POST', path, sent });
  const put = (path: string): Asked => ({
    as,
    method: 'PUT',
    path: `${PROXY}/artifacts/${path}`,
    sent: 'text',
  });
  const remove = (path: string): Asked => ({
    as,
    method: 'DELETE',
    path: `${PROXY}/artifacts/${path}`,
  });
  const own = `1/${run}/artifacts`;
  return [
    ...[own, `1/${run}`, '1', '', `1/models`, `1/models/${model}/artifacts`, '2', 'elsewhere'].map(
      (path) => get(`${PROXY}/artifacts?path=${path}`),
    ),
    get(`${PROXY}/artifacts`),
    ...[`${own}/a.txt`, `%2531/${run}/artifacts/a.txt`, `1/models/${model}/artifacts/b.txt`].map(
      (path) => get(`${PROXY}/artifacts/${path}`),
    ),
    get(`/ajax-api/2.0/mlflow-artifacts/artifacts/${own}/a.txt`),
    get(`${PROXY}/artifacts/1/%252e%252e/2/x`),
    ...[
      ...[`${own}/${as}.txt`, `1/${as}.txt`, `1/models/${model}/artifacts/${as}.txt`],
      ...[`1/traces/t/${as}.txt`, `elsewhere/${as}.txt`, `%2531/${run}/artifacts/q-${as}.txt`],
    ].map(put),
    ...['create', 'complete', 'abort'].map((step) =>
      post(`${PROXY}/mpu/${step}/${own}`, { path: 'a', num_parts: 1, parts: [] }),
    ),
    post(`${PROXY}/mpu/create/1/models/${model}/artifacts`, { path: 'a', num_parts: 1 }),
    get(`${PROXY}/presigned/${own}/a.txt`),
    get(`${PROXY}/presigned/elsewhere/a.txt`),
    get(`${API}/artifacts/list?run_id=${run}`),
    get(`${API}/artifacts/list?run_uuid=${run}`),
    get(`${API}/artifacts/list`),
    post(`${API}/artifacts/presigned-upload-url`, { run_id: run, path: 'a' }),
    post(`${API}/artifacts/presigned-upload-url`, { model_id: model, path: 'a' }),
    post(`${API}/artifacts/presigned-upload-url`, { modelId: model, path: 'a' }),
    post(`${API}/artifacts/presigned-upload-url`, { run_id: run, model_id: model, path: 'a' }),
    post(`${API}/artifacts/presigned-upload-url`, { path: 'a' }),
    post(`${API}/artifacts/presigned-download-url`, { run_id: run, path: 'a' }),
    get(`/get-artifact?run_id=${run}&path=a.txt`),
    get(`/get-artifact?run_uuid=${run}&path=a.txt`),
    get(`/model-versions/get-artifact?name=m&version=1&path=a.txt`),
    get(`${API}/logged-models/${model}/artifacts/directories`),
    get(`${AJAX}/logged-models/${model}/artifacts/directories`),
    get(`${AJAX}/logged-models/${model}/artifacts/files?artifact_file_path=b.txt`),
    get(`${API}/model-versions/get-download-uri?name=m&version=1`),
    ...[`${own}/${as}.txt`, `1/${as}.txt`, `1/models/${model}/artifacts/${as}.txt`].map(remove),
    remove(`elsewhere/${as}.txt`),
  ];
}

test('everybody gets the same answers about artifacts, whoever may do what', async () => {
  const [made, madeByUs] = await Promise.all([prepare(theirs.uri), prepare(ours.uri)]);
  const differences: unknown[] = [];
  const statuses = new Set<number>();
  for (const as of ASKING) {
    const own = listQuestions(madeByUs, as);
    for (const [index, asked] of listQuestions(made, as).entries()) {
      const [wanted, found] = await Promise.all([
        ask(theirs.uri, asked),
        ask(ours.uri, own[index] ?? asked),
      ]);
      statuses.add(wanted.status);
      if (tell(wanted) !== tell(found)) {
        differences.push([as, asked.method, asked.path, asked.sent, tell(wanted), tell(found)]);
      }
    }
  }
  expect(JSON.stringify(differences, null, 1)).toBe('[]');
  expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 403, 501]));
}, 300_000);

/** The status, the code of an error, the names in a list. */
function tell({ status, text }: Answer): string {
  if (!text.startsWith('{')) return `${status}`;
  const json = JSON.parse(text) as { error_code?: string; files?: { path: string }[] };
  const names = (json.files ?? []).map(({ path }) => path.replace(/\b(m-)?[0-9a-f]{32}\b/, 'ID'));
  return `${status} ${json.error_code ?? ''} ${names.sort().join()}`.trim();
}
