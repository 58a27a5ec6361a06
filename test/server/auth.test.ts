import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword, verifyPassword } from '../../src/server/auth/password-hash.ts';
import { openAuthDatabase } from '../../src/sql/auth-database.ts';
import { bin } from '../cli/rig.ts';
import { createTestContext } from '../setup/context.ts';
import { mlflowEnv } from '../setup/mlflow.ts';
import { makeAuthWithMlflow } from '../setup/mlflow-auth.ts';
import { dumpSchema } from '../setup/mlflow-database.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';

let server: MltsServer;
let password: string;
beforeAll(async () => {
  server = await startMltsServer(['--app-name', 'basic-auth']);
  password = /password (\S+)/.exec(server.said.stderr)?.[1] ?? '';
});
afterAll(() => server?.stop());

const CURRENT = '/api/2.0/mlflow/users/current';
const ask = (authorization: string, path = CURRENT) =>
  fetch(`${server.uri}${path}`, { headers: { authorization } });
const basic = (text: string | Buffer) => `Basic ${Buffer.from(text).toString('base64')}`;
const users = (args: readonly string[], input = '') =>
  execa(bin, ['users', ...args], {
    cwd: server.folder,
    env: mlflowEnv({ NO_COLOR: '1' }),
    extendEnv: false,
    input,
    reject: false,
  });

describe('mlts server --app-name basic-auth', () => {
  test('makes the first admin, whose password it shows', async () => {
    expect(password.length).toBeGreaterThanOrEqual(20);
    expect((await ask(basic(`admin:${password}`))).status).toBe(200);
  });

  test('/health and /version are open, nothing else, not even what is not there', async () => {
    const statuses = [];
    for (const path of [
      '/health',
      '/version',
      '/api/3.0/mlflow/server-info',
      '/',
      '/none',
      CURRENT,
    ])
      statuses.push((await fetch(`${server.uri}${path}`)).status);
    expect(statuses).toEqual([200, 200, 200, 401, 401, 401]);
    const refused = await fetch(`${server.uri}${CURRENT}`);
    expect(refused.headers.get('www-authenticate')).toBe('Basic realm="mlflow"');
  });

  test.each([
    ['no base64', 'Basic ***'],
    ['an empty one', 'Basic '],
    ['no UTF-8', basic(Buffer.from([0xff, 0xfe, 0x3a, 0x61]))],
    ['no colon', basic('admin')],
    ['a huge name', basic(`${'n'.repeat(8_000)}:x`)],
    ['NUL in a name', basic('ad\0min:x')],
    ['line ends in a name', basic('admin\r\nX-Caller: admin:x')],
    ['quotes', basic(`' OR 1=1 --:' OR 1=1 --`)],
    ['an empty token', 'Bearer '],
    ['a token that is none', 'Bearer mlts_x'],
    ['another scheme', 'Digest username="admin"'],
  ])('%s is refused', async (_name, authorization) => {
    expect((await ask(authorization)).status).toBe(401);
  });

  test('two Authorization headers do not make one right', async () => {
    const { port } = new URL(server.uri);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      `GET ${CURRENT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic x\r\n` +
        `Authorization: ${basic(`admin:${password}`)}\r\nConnection: close\r\n\r\n`,
    );
    let answer = '';
    for await (const piece of socket) answer += String(piece);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|401) /);
  });

  test('users are made, changed and deleted while the server runs', async () => {
    const made = await users(['create', 'ann'], 'a password of ann\n');
    expect([made.exitCode, made.stdout]).toEqual([0, '']);
    expect((await ask(basic('ann:a password of ann'))).status).toBe(200);
    await users(['password', 'ann'], 'another one of ann\n');
    expect((await ask(basic('ann:a password of ann'))).status).toBe(401);
    expect((await ask(basic('ann:another one of ann'))).status).toBe(200);
    const { stdout: token } = await users(['token', 'ann', '--name', 'ci']);
    expect((await ask(`Bearer ${token}`)).status).toBe(200);
    const stored = new DatabaseSync(join(server.folder, 'basic_auth.db'));
    const [row] = stored.prepare('select * from mlts_tokens').all();
    stored.close();
    expect(JSON.stringify(row)).not.toContain(token.slice(5));
    await users(['delete', 'ann']);
    expect((await ask(`Bearer ${token}`)).status).toBe(401);
    // SQLite gives the id again: the old token must not be the new user's.
    await users(['create', 'ben'], 'a password of ben\n');
    expect((await ask(`Bearer ${token}`)).status).toBe(401);
  });

  test('a token ends', async () => {
    const { stdout } = await users([
      'token',
      'admin',
      '--name',
      'brief',
      '--expires',
      '0.00000001',
    ]);
    expect((await ask(`Bearer ${stdout}`)).status).toBe(401);
  });

  test('an experiment that is denied stays so under every spelling of its id', async () => {
    await users(['create', 'eve'], 'a password of eve\n');
    await users(['grant', 'eve', 'experiment:0', 'DENY']);
    for (const id of ['0', '00', '%200', '%2B0', '0%0a']) {
      const path = `/api/2.0/mlflow/experiments/get?experiment_id=${id}`;
      expect((await ask(basic('eve:a password of eve'), path)).status).not.toBe(200);
    }
    const post = async (login: string, path: string, body: unknown) => {
      const headers = { authorization: basic(login), 'content-type': 'application/json' };
      const request = { method: 'POST', headers, body: JSON.stringify(body) };
      const answer = await fetch(`${server.uri}${path}`, request);
      return { status: answer.status, json: await answer.json().catch(() => undefined) };
    };
    const datasets = '/ajax-api/2.0/mlflow/experiments/search-datasets';
    const run = await post(`admin:${password}`, '/api/2.0/mlflow/runs/create', {
      experiment_id: '0',
    });
    const { run_id: runId } = (run.json as { run: { info: { run_id: string } } }).run.info;
    const upload = `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${runId}&path=x`;
    const preview = '/api/2.0/preview/mlflow/registered-models/create';
    for (const login of [`admin:${password}`, 'eve:a password of eve']) {
      const wanted = login.startsWith('eve') ? 403 : 200;
      expect((await post(login, datasets, { experiment_ids: ['0'] })).status).toBe(wanted);
      expect((await post(login, upload, 'x')).status).toBe(wanted);
    }
    expect((await post(`admin:${password}`, preview, { name: 'old' })).status).toBe(200);
    expect((await post('eve:a wrong password', preview, { name: 'older' })).status).toBe(401);
    await users(['grant', 'eve', 'registered_model:old', 'DENY']);
    const list = '/api/2.0/preview/mlflow/registered-models/list';
    expect(await (await ask(basic('eve:a password of eve'), list)).json()).toEqual({});
  });

  test('a grant is given by the name of an experiment too', async () => {
    await users(['create', 'joe'], 'a password of joe\n');
    const named = ['--experiment-name', 'Default'];
    const granted = await users(['grant', 'joe', 'DENY', ...named]);
    expect(granted.stderr).toBe('joe: DENY for experiment 0');
    const path = '/api/2.0/mlflow/experiments/get?experiment_id=0';
    expect((await ask(basic('joe:a password of joe'), path)).status).toBe(403);
    expect((await users(['revoke', 'joe', ...named])).exitCode).toBe(0);
    expect((await ask(basic('joe:a password of joe'), path)).status).toBe(200);
    for (const [words, says] of [
      [
        ['grant', 'joe', 'READ', '--experiment-name', 'none'],
        /no experiment named `none`.*\nhint: /,
      ],
      [['grant', 'joe', 'experiment:0', 'READ', ...named], /`READ` is one argument too many/],
      [['grant', 'joe', 'READ'], /missing argument `permission`/],
      [['revoke', 'joe', ...named], /no permission of its own.*\nhint: see `mlts users list`/],
    ] as const) {
      expect((await users(words)).stderr).toMatch(says);
    }
  });

  test('one line for what cannot be', async () => {
    const short = await users(['create', 'x'], 'short\n');
    expect([short.exitCode, short.stderr]).toEqual([1, expect.stringMatching(/12 characters/)]);
    const unknown = await users(['token', 'nobody-here']);
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringMatching(/no user/)]);
    const resource = await users(['grant', 'admin', 'planet:1', 'READ']);
    expect([resource.exitCode, resource.stderr]).toEqual([1, expect.stringMatching(/planet/)]);
  });

  test('who tries passwords is slowed down, and others are not', async () => {
    const tries = Array.from({ length: 12 }, () => ask(basic('mallory:guess')));
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.every((status) => status === 401 || status === 429)).toBe(true);
    const more = Array.from({ length: 4 }, () => ask(basic('mallory:guess')));
    expect((await Promise.all(more)).map(({ status }) => status)).toContain(429);
    expect((await ask(basic(`admin:${password}`))).status).toBe(200);
  });

  test('Python as the authorization function, and a password that all know, are told; so are settings without a use', async () => {
    const config = join(server.folder, 'auth.ini');
    const start = async (line: string) => {
      await writeFile(config, `[mlflow]\ndatabase_uri = sqlite:///new.db\n${line}\n`);
      const env = mlflowEnv({ MLFLOW_AUTH_CONFIG_PATH: config, NO_COLOR: '1' });
      const args = ['server', '--port', '0', '--app-name', 'basic-auth'];
      return execa(bin, args, { cwd: server.folder, env, extendEnv: false, reject: false });
    };
    expect((await start('authorization_function = mine:check')).stderr).toContain('mine:check');
    const known = 'admin_password = password1234';
    const idle = 'read_database_uri = sqlite:///r.db\nauth_cache_ttl_seconds = 60';
    const { stderr } = await start(`${known}\ngrant_default_workspace_access = false\n${idle}`);
    expect(stderr).toContain('everybody knows');
    const unused =
      /^warning: .*auth\.ini: mlts does not use read_database_uri, auth_cache_ttl_seconds$/m;
    expect(stderr).toMatch(unused);
  });
});

test('hashes of Werkzeug verify, whichever kind', async () => {
  const pbkdf2 =
    'pbkdf2:sha256:1000$salt$632c2812e46d4604102ba7618e9d6d7d2f8128f6266b4a03264d2a0460b7dcb3';
  expect(await verifyPassword('password', pbkdf2)).toBe(true);
  expect(await verifyPassword('passwort', pbkdf2)).toBe(false);
  expect(await verifyPassword('pässword', await hashPassword('pässword'))).toBe(true);
  for (const stored of ['', 'x', 'scrypt:1:1:1$a$00', 'scrypt:1073741824:8:1$a$00', 'md5$a$00'])
    expect(await verifyPassword('', stored)).toBe(false);
});

describeOnPostgres('users in PostgreSQL', (postgres) => {
  test("the tables are MLflow's, and the server works with them", async () => {
    const [theirs, ours] = [await postgres().createDatabase(), await postgres().createDatabase()];
    await makeAuthWithMlflow(theirs);
    const connection = await openAuthDatabase(ours, createTestContext());
    await connection.database.destroy();
    const found = (await dumpSchema(postgres(), ours)).split('\n');
    for (const line of (await dumpSchema(postgres(), theirs)).split('\n'))
      expect(found).toContain(line);
    const flags = ['--database-uri', theirs];
    expect((await users(['create', 'pia', ...flags], 'a password of pia\n')).stderr).toMatch(
      /made/,
    );
    await users(['grant', 'pia', 'experiment:3', 'EDIT', ...flags]);
    await users(['grant', 'pia', 'experiment:3', 'READ', ...flags]);
    await users(['token', 'pia', ...flags]);
    const { stdout } = await users(['list', '--output', 'json', ...flags]);
    expect(JSON.parse(stdout)).toMatchObject([
      { username: 'pia', permissions: [{ permission: 'READ' }], tokens: ['default'] },
    ]);
    expect((await users(['delete', 'pia', ...flags])).exitCode).toBe(0);
  }, 60_000);
});

test("the tables in SQLite are MLflow's", async () => {
  const path = join(server.folder, 'theirs.db');
  await makeAuthWithMlflow(`sqlite:///${path}`);
  const read = (file: string) => {
    const database = new DatabaseSync(file);
    const rows = database.prepare('select name, sql from sqlite_master order by name').all();
    database.close();
    return rows.filter(({ name }) => !/mlts_tokens/.test(String(name)));
  };
  expect(read(join(server.folder, 'basic_auth.db'))).toEqual(read(path));
}, 60_000);
