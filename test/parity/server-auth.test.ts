import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bin } from '../cli/rig.ts';
import { mlflowEnv, type RunningServer } from '../setup/mlflow.ts';
import { askAuthPython, startMlflowAuthServer } from '../setup/mlflow-auth.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';

const ADMIN = 'the first password';
const PASSWORDS: Readonly<Record<string, string>> = {
  admin: ADMIN,
  alice: 'alice has a long one',
  bob: 'bob: also, with a colon',
  'zoë ☃': 'ünïcode is a password',
};

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

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
interface Step {
  readonly as: string;
  readonly method: Method;
  readonly path: string;
  readonly sent?: unknown;
}

function login(name: string): Record<string, string> {
  const password = PASSWORDS[name];
  if (password === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

/** What differs between two servers that do the same: ids that are drawn, times, sentences. */
class Conversation {
  readonly ids = new Map<string, string>();
  readonly uri: string;

  constructor(uri: string) {
    this.uri = uri;
  }

  async ask({ as, method, path, sent }: Step): Promise<unknown> {
    const isQuery = method === 'GET';
    const query = isQuery && sent ? `?${new URLSearchParams(this.fill(sent) as never)}` : '';
    const answer = await fetch(`${this.uri}/api/${path}${query}`, {
      method,
      headers: { 'content-type': 'application/json', ...login(as) },
      ...(isQuery ? {} : { body: JSON.stringify(this.fill(sent ?? {})) }),
    });
    const text = await answer.text();
    if (!/json/.test(answer.headers.get('content-type') ?? '')) return [answer.status, text];
    const json = JSON.parse(text || '{}') as Record<string, unknown>;
    this.learn(json);
    if (answer.status >= 400) return [answer.status, json.error_code];
    return [answer.status, this.simplify(json)];
  }

  fill(value: unknown): unknown {
    return JSON.parse(
      JSON.stringify(value).replace(/\$(\w+)/g, (_, name: string) => this.ids.get(name) ?? 'none'),
    );
  }

  learn(json: Record<string, unknown>): void {
    const { run, model } = json as { run?: { info: { run_id: string } }; model?: never };
    if (run) this.ids.set(`run${this.ids.size}`, run.info.run_id);
    const info = (model as { info?: { model_id: string } } | undefined)?.info;
    if (info) this.ids.set('model', info.model_id);
  }

  simplify(json: unknown): unknown {
    let text = JSON.stringify(json);
    for (const [name, id] of this.ids) text = text.replaceAll(id, `$${name}`);
    // MLflow names a next page also where a search was filled to its end: it is empty then.
    return JSON.parse(text, (key, value: unknown) =>
      key === 'next_page_token'
        ? undefined
        : /timestamp|_time|artifact_(uri|location)|run_name|^name$/.test(key) &&
            typeof value !== 'object' &&
            !(key === 'name' && /^(m|e|p|r|role)-/.test(String(value)))
          ? '...'
          : key === 'tags' && Array.isArray(value)
            ? value.filter((tag: { key: string }) => !tag.key.startsWith('mlflow.runName'))
            : value,
    );
  }
}

const step = (as: string, method: Method, path: string, sent?: unknown): Step => ({
  as,
  method,
  path,
  ...(sent === undefined ? {} : { sent }),
});
const V2 = '2.0/mlflow';
const V3 = '3.0/mlflow';
const everybody = ['admin', 'alice', 'bob', 'nobody'];
const all = (method: Method, path: string, sent?: unknown) =>
  everybody.map((as) => step(as, method, path, sent));
const grant = (username: string, type: string, id: string, permission: string, as = 'admin') =>
  step(as, 'POST', `${V3}/users/permissions/grant`, {
    username,
    resource_type: type,
    resource_id: id,
    permission,
  });

const USERS: readonly Step[] = [
  ...Object.entries(PASSWORDS)
    .filter(([name]) => name !== 'admin')
    .map(([username, password]) =>
      step('admin', 'POST', `${V2}/users/create`, { username, password }),
    ),
  step('admin', 'POST', `${V2}/users/create`, { username: 'alice', password: 'again and again' }),
  step('admin', 'POST', `${V2}/users/create`, { username: 'short', password: 'short' }),
  step('admin', 'POST', `${V2}/users/create`, { username: '', password: 'long enough it is' }),
  step('admin', 'POST', `${V2}/users/create`, { password: 'long enough it is' }),
  step('alice', 'POST', `${V2}/users/create`, { username: 'x', password: 'long enough it is' }),
  step('zoë ☃', 'GET', `${V2}/users/current`),
  ...all('GET', `${V2}/users/get`, { username: 'alice' }),
  step('admin', 'GET', `${V2}/users/get`, { username: 'none' }),
  step('admin', 'GET', `${V2}/users/get`),
  step('alice', 'GET', `${V2}/users/get`),
  ...all('GET', `${V2}/users/current`),
  ...all('GET', `${V3}/users/current/permissions`),
  step('alice', 'GET', `${V2}/users/list`),
  step('alice', 'PATCH', `${V2}/users/update-admin`, { username: 'alice', is_admin: true }),
  step('bob', 'PATCH', `${V2}/users/update-password`, {
    username: 'alice',
    password: 'x'.repeat(20),
  }),
  step('bob', 'PATCH', `${V2}/users/update-password`, {
    username: 'bob',
    password: 'x'.repeat(20),
  }),
  step('bob', 'PATCH', `${V2}/users/update-password`, {
    username: 'bob',
    password: 'x'.repeat(20),
    current_password: 'wrong',
  }),
  step('bob', 'DELETE', `${V2}/users/delete`, { username: 'alice' }),
  step('admin', 'DELETE', `${V2}/users/delete`, { username: 'admin' }),
  step('admin', 'DELETE', `${V2}/users/delete`, { username: 'none' }),
];

const EXPERIMENTS: readonly Step[] = [
  step('alice', 'POST', `${V2}/experiments/create`, { name: 'e-alice' }),
  step('bob', 'POST', `${V2}/experiments/create`, { name: 'e-bob' }),
  ...all('GET', `${V2}/experiments/get`, { experiment_id: '1' }),
  ...all('GET', `${V2}/experiments/get-by-name`, { experiment_name: 'e-bob' }),
  ...all('GET', `${V2}/experiments/get-by-name`, { experiment_name: 'e-none' }),
  ...all('POST', `${V2}/experiments/set-experiment-tag`, {
    experiment_id: '1',
    key: 'k',
    value: 'v',
  }),
  ...everybody.map((as, index) =>
    step(as, 'POST', `${V2}/runs/create`, {
      experiment_id: '1',
      run_name: 'r-1',
      start_time: index + 1,
    }),
  ),
  step('alice', 'GET', `${V2}/runs/get`, { run_id: '$run0' }),
  ...all('POST', `${V2}/runs/log-metric`, { run_id: '$run0', key: 'm', value: 1, timestamp: 1 }),
  ...all('POST', `${V2}/runs/log-batch`, {
    run_id: 'f'.repeat(32),
    params: [{ key: 'a', value: 'b' }],
  }),
  ...all('GET', `${V2}/metrics/get-history`, { run_id: '$run0', metric_key: 'm' }),
  grant('bob', 'experiment', '1', 'DENY', 'alice'),
  grant('bob', 'experiment', '1', 'READ', 'alice'),
  grant('alice', 'experiment', '2', 'EDIT', 'alice'),
  grant('alice', 'experiment', '2', 'OWNER', 'bob'),
  grant('alice', 'planet', '2', 'EDIT', 'bob'),
  grant('alice', 'workspace', '*', 'USE'),
  grant('alice', 'run', 'one', 'DENY'),
  grant('nobody', 'experiment', '2', 'EDIT'),
  ...all('GET', `${V2}/experiments/get`, { experiment_id: '1' }),
  ...all('POST', `${V2}/experiments/search`, { max_results: 2 }),
  ...all('POST', `${V2}/runs/search`, { experiment_ids: ['1', '2'] }),
  ...all('GET', `${V2}/runs/get`, { run_id: '$run0' }),
  ...all('GET', `${V3}/users/permissions/get`, {
    username: 'bob',
    resource_type: 'experiment',
    resource_id: '1',
  }),
  step('admin', 'GET', `${V3}/users/permissions/get`, {
    username: 'bob',
    resource_type: 'prompt',
    resource_id: 'p',
  }),
  step('bob', 'POST', `${V3}/users/permissions/revoke`, {
    username: 'bob',
    resource_type: 'experiment',
    resource_id: '1',
  }),
  step('alice', 'POST', `${V3}/users/permissions/revoke`, {
    username: 'bob',
    resource_type: 'experiment',
    resource_id: '1',
  }),
  grant('bob', 'experiment', '1', 'READ', 'alice'),
  step('alice', 'POST', `${V3}/users/permissions/revoke`, {
    username: 'bob',
    resource_type: 'experiment',
    resource_id: '2',
  }),
  ...all('GET', `${V2}/experiments/get`, { experiment_id: '1' }),
  step('alice', 'POST', `${V2}/logged-models`, { experiment_id: '1', name: 'm-logged' }),
  ...all('GET', `${V2}/logged-models/none`),
  ...all('POST', `${V2}/logged-models/search`, { experiment_ids: ['1'] }),
  ...all('POST', `${V2}/logged-models`, { experiment_id: '2', name: 'm-other' }),
  grant('bob', 'run', '*', 'DENY'),
  step('bob', 'POST', `${V2}/runs/create`, { experiment_id: '2' }),
  step('bob', 'POST', `${V2}/runs/search`, { experiment_ids: ['2'] }),
  step('bob', 'POST', `${V2}/experiments/delete`, { experiment_id: '2' }),
  step('alice', 'POST', `${V2}/experiments/delete`, { experiment_id: '2' }),
  step('alice', 'POST', `${V2}/experiments/delete`, { experiment_id: '1' }),
  step('bob', 'POST', `${V2}/experiments/restore`, { experiment_id: '1' }),
  step('alice', 'POST', `${V2}/experiments/restore`, { experiment_id: '1' }),
];

const MODELS: readonly Step[] = [
  step('alice', 'POST', `${V2}/registered-models/create`, { name: 'm-alice' }),
  step('alice', 'POST', `${V2}/registered-models/create`, {
    name: 'p-alice',
    tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }],
  }),
  step('bob', 'POST', `${V2}/registered-models/create`, { name: 'm-bob' }),
  ...all('GET', `${V2}/registered-models/get`, { name: 'm-alice' }),
  ...all('GET', `${V2}/registered-models/get`, { name: 'm-none' }),
  ...all('PATCH', `${V2}/registered-models/update`, { name: 'm-alice', description: 'd' }),
  ...all('POST', `${V2}/registered-models/set-tag`, { name: 'p-alice', key: 'k', value: 'v' }),
  ...all('GET', `${V2}/model-versions/get`, { name: 'm-alice', version: '1' }),
  ...all('GET', `${V2}/model-versions/get`, { name: 'm-none', version: '1' }),
  step('bob', 'POST', `${V2}/model-versions/create`, { name: 'm-alice', source: 's3://x/y' }),
  step('bob', 'POST', `${V2}/model-versions/create`, {
    name: 'm-bob',
    source: 's3://x/y',
    run_id: 'f'.repeat(32),
  }),
  grant('bob', 'registered_model', 'm-alice', 'DENY', 'alice'),
  ...all('GET', `${V2}/registered-models/search`, {}),
  ...all('GET', `${V2}/model-versions/search`, {}),
  step('alice', 'POST', `${V2}/registered-models/rename`, { name: 'm-alice', new_name: 'm-new' }),
  step('bob', 'GET', `${V2}/registered-models/get`, { name: 'm-new' }),
  ...all('POST', `${V2}/registered-models/alias`, { name: 'm-new', alias: 'a', version: '1' }),
  step('bob', 'DELETE', `${V2}/registered-models/delete`, { name: 'm-new' }),
  step('alice', 'DELETE', `${V2}/registered-models/delete`, { name: 'm-new' }),
  step('bob', 'POST', `${V2}/registered-models/create`, { name: 'm-new' }),
  step('alice', 'DELETE', `${V2}/registered-models/delete`, { name: 'm-new' }),
];

const ROLES: readonly Step[] = [
  step('alice', 'POST', `${V3}/roles/create`, { name: 'role-a', workspace: 'default' }),
  step('admin', 'POST', `${V3}/roles/create`, {
    name: 'role-a',
    workspace: 'default',
    description: 'd',
  }),
  step('admin', 'POST', `${V3}/roles/create`, { name: 'role-a', workspace: 'default' }),
  step('admin', 'POST', `${V3}/roles/create`, { name: '__user_9', workspace: 'default' }),
  step('admin', 'POST', `${V3}/roles/create`, { name: ' ', workspace: 'default' }),
  step('admin', 'GET', `${V3}/roles/get`, { role_id: 'x' }),
  step('admin', 'GET', `${V3}/roles/get`, { role_id: '99' }),
  step('alice', 'GET', `${V3}/roles/list`),
  step('alice', 'GET', `${V3}/roles/list`, { workspace: 'default' }),
  step('admin', 'GET', `${V3}/roles/list`, { workspace: 'elsewhere' }),
  step('admin', 'GET', `${V3}/roles/list`),
  ...all('GET', `${V3}/users/roles/list`, { username: 'bob' }),
  ...all('GET', `${V3}/users/permissions/list`, { username: 'bob' }),
];

/** Role 4: after the own roles of alice, bob and zoë, whichever were made. */
async function playRoles(talk: Conversation): Promise<unknown[]> {
  const listed = (await talk.ask(step('admin', 'GET', `${V3}/roles/list`))) as [
    number,
    { roles: { id: number; name: string }[] },
  ];
  const role_id = listed[1].roles.find(({ name }) => name === 'role-a')?.id;
  const answers: unknown[] = [role_id];
  for (const asked of [
    step('admin', 'POST', `${V3}/roles/permissions/add`, {
      role_id,
      resource_type: 'workspace',
      resource_pattern: '*',
      permission: 'READ',
    }),
    step('admin', 'POST', `${V3}/roles/permissions/add`, {
      role_id,
      resource_type: 'workspace',
      resource_pattern: '*',
      permission: 'MANAGE',
    }),
    step('admin', 'POST', `${V3}/roles/assign`, { role_id, username: 'bob' }),
    step('admin', 'POST', `${V3}/roles/assign`, { role_id, username: 'bob' }),
    step('bob', 'GET', `${V2}/experiments/get`, { experiment_id: '1' }),
    step('bob', 'POST', `${V2}/runs/search`, { experiment_ids: ['1'] }),
    step('bob', 'PATCH', `${V3}/roles/update`, { role_id, description: 'by bob' }),
    step('bob', 'GET', `${V3}/roles/users/list`, { role_id }),
    step('bob', 'GET', `${V3}/roles/permissions/list`, { role_id }),
    step('alice', 'GET', `${V3}/users/roles/list`, { username: 'bob' }),
    step('bob', 'GET', `${V3}/users/roles/list`, { username: 'alice' }),
    step('admin', 'DELETE', `${V3}/roles/unassign`, { role_id, username: 'bob' }),
    step('admin', 'DELETE', `${V3}/roles/unassign`, { role_id, username: 'bob' }),
    step('admin', 'DELETE', `${V3}/roles/delete`, { role_id }),
    step('admin', 'DELETE', `${V3}/roles/delete`, { role_id }),
    step('admin', 'DELETE', `${V2}/users/delete`, { username: 'zoë ☃' }),
    step('zoë ☃', 'GET', `${V2}/users/current`),
  ]) {
    answers.push([asked, await talk.ask(asked)]);
  }
  return answers;
}

describe('basic-auth, beside MLflow', () => {
  test('the same requests as several users', async () => {
    const [mlflow, mlts] = [new Conversation(theirs.uri), new Conversation(ours.uri)];
    const differences: unknown[] = [];
    for (const asked of [...USERS, ...EXPERIMENTS, ...MODELS, ...ROLES]) {
      const [wanted, found] = [await mlflow.ask(asked), await mlts.ask(asked)];
      if (!sameAs(wanted, found)) differences.push({ asked, wanted, found });
    }
    expect(JSON.stringify(differences, null, 1)).toBe('[]');
    expect(await playRoles(mlts)).toEqual(await playRoles(mlflow));
  }, 180_000);

  test("MLflow's own client for users speaks to ours, and MLflow opens our database", async () => {
    const script = `
import json, os, sys
from mlflow.server.auth.client import AuthServiceClient
from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore
client = AuthServiceClient(sys.argv[1])
user = client.create_user("carol", "carol has a password")
client.grant_user_permission("carol", "experiment", "1", "MANAGE")
found = client.get_user_permission("carol", "experiment", "1")
store = SqlAlchemyStore()
store.init_db("sqlite:///" + sys.argv[2])
knows = [store.authenticate_user("carol", "carol has a password"), store.authenticate_user("carol", "not this")]
store.create_user("dave", "dave was made there")
store.grant_user_permission("dave", "experiment", "1", "DENY")
print(json.dumps([user.username, found.permission, knows]))
`;
    const env = {
      MLFLOW_TRACKING_USERNAME: 'admin',
      MLFLOW_TRACKING_PASSWORD: ADMIN,
      MLFLOW_AUTH_ADMIN_PASSWORD: ADMIN,
    };
    const database = join(ours.folder, 'basic_auth.db');
    expect(await askAuthPython(script, [ours.uri, database], env)).toEqual([
      'carol',
      'MANAGE',
      [true, false],
    ]);
    const asDave = (path: string) =>
      fetch(`${ours.uri}/api/2.0/mlflow/${path}`, {
        headers: { authorization: `Basic ${btoa('dave:dave was made there')}` },
      });
    expect((await asDave('users/current')).status).toBe(200);
    expect((await asDave('experiments/get?experiment_id=1')).status).toBe(403);
  }, 60_000);

  test('a token made on the command line lets MLflow clients in', async () => {
    const users = (...args: string[]) =>
      execa(bin, ['users', ...args], { cwd: ours.folder, env: mlflowEnv(), extendEnv: false });
    const { stdout: token } = await users('token', 'alice', '--name', 'ci', '--expires', '1');
    const env = { MLFLOW_TRACKING_TOKEN: token, MLFLOW_TRACKING_URI: ours.uri };
    const script = `
import json, mlflow
mlflow.set_experiment("e-alice")
with mlflow.start_run() as run:
    mlflow.log_metric("m", 1)
print(json.dumps(run.info.experiment_id))
`;
    expect(await askAuthPython(script, [], env)).toBe('1');
    await users('delete', 'alice', '--token', 'ci');
    const { status } = await fetch(`${ours.uri}/api/2.0/mlflow/users/current`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(status).toBe(401);
  }, 60_000);
});

/** Deep, whatever the order of keys. */
function sameAs(wanted: unknown, found: unknown): boolean {
  try {
    expect(found).toEqual(wanted);
    return true;
  } catch {
    return false;
  }
}
