import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { startTokenProxy, type TokenProxy } from '../setup/token-proxy.ts';
import { createRig, type Ended, type Rig } from './rig.ts';

/**
 * A real MLflow server behind TLS and a check of the login stands for a workspace: Databricks has MLflow's REST API
 * at the same paths.
 */
const TOKEN = 'dapi-secret-0123456789';
const PASSWORD = 'pw;with#signs=';
const basic = `Basic ${Buffer.from(`ann:${PASSWORD}`).toString('base64')}`;

let rig: Rig;
let server: RunningServer;
let proxy: TokenProxy;

beforeAll(async () => {
  rig = createRig();
  server = await startMlflowServer();
  proxy = await startTokenProxy(server.uri, [`Bearer ${TOKEN}`, basic]);
  await rig.write({
    'home/.databrickscfg': [
      `[DEFAULT]\nhost = ${proxy.uri}/\ntoken = ${TOKEN}\n`,
      `; by password\n[ann]\nhost: ${proxy.uri.replace('https://', '')}\nusername = ann\npassword = ${PASSWORD}`,
      `[lost]\ntoken = ${TOKEN}\n[bare]\nhost = ${proxy.uri}\n[old]\nhost = ${proxy.uri}\ntoken = dapi-revoked`,
    ].join('\n'),
    'other.cfg': `[DEFAULT]\nhost = ${proxy.uri}\ntoken = ${TOKEN}\n`,
    'one.txt': 'one',
  });
});
afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
  await rig?.[Symbol.asyncDispose]();
});

async function mlts(
  uri: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Ended> {
  const ended = await rig.mlts(args, {
    env: {
      REQUESTS_CA_BUNDLE: proxy.certificate,
      MLFLOW_TRACKING_URI: uri,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
      ...env,
    },
  });
  const said = ended.stdout + ended.stderr;
  for (const secret of [TOKEN, PASSWORD, basic]) expect(said).not.toContain(secret);
  return ended;
}

const search = ['experiments', 'search'] as const;

describe('a workspace is found by', () => {
  test.each([
    { name: 'the default profile', uri: 'databricks', env: {} },
    { name: 'a profile in the URI', uri: 'databricks://ann', env: {} },
    {
      name: 'a profile in the environment',
      uri: 'databricks',
      env: { DATABRICKS_CONFIG_PROFILE: 'ann' },
    },
    {
      name: 'another file',
      uri: 'databricks',
      env: { DATABRICKS_CONFIG_FILE: '~/../other.cfg' },
    },
    {
      name: 'a token in the environment that completes a profile',
      uri: 'databricks://bare',
      env: { DATABRICKS_TOKEN: TOKEN },
    },
  ])('$name', async ({ uri, env }) => {
    expect(await mlts(uri, env, ...search)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Default'),
    });
  });

  test('variables alone, whatever the file says', async () => {
    const env = { DATABRICKS_HOST: proxy.uri, DATABRICKS_TOKEN: TOKEN, HOME: '/nonexistent' };
    expect(await mlts('databricks', env, ...search)).toMatchObject({ exitCode: 0 });
    const password = { DATABRICKS_USERNAME: 'ann', DATABRICKS_PASSWORD: PASSWORD };
    const byPassword = { DATABRICKS_HOST: proxy.uri, ...password };
    expect(await mlts('databricks', byPassword, ...search)).toMatchObject({ exitCode: 0 });
  });
});

test.each([
  { uri: 'databricks://none', says: /no Databricks profile `none` in .*\.databrickscfg/ },
  { uri: 'databricks://lost', says: /no address of a workspace is known/ },
  { uri: 'databricks://bare', says: /neither token nor password is known/ },
  { uri: 'databricks://scope:key', says: /names a secret scope/ },
  { uri: 'databricks-uc', says: /does not speak Unity Catalog/ },
  { uri: 'databricks-uc://ann', says: /does not speak Unity Catalog/ },
  { uri: 'databricks:/ann', says: /does not name a Databricks profile/ },
  { uri: 'databricks://old', says: /Invalid access token/ },
])('$uri is refused with the mend', async ({ uri, says }) => {
  const { exitCode, stderr } = await mlts(uri, {}, ...search);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(says);
  expect(stderr).toMatch(/^hint: /m);
});

test('runs, their artifacts and models, as on any server', async () => {
  const place = ['-l', rig.path('artifacts')];
  await mlts('databricks', {}, 'experiments', 'create', '-n', 'work', ...place);
  const { stdout } = await mlts('databricks', {}, 'runs', 'create', '--experiment-name', 'work');
  const run = /\b[0-9a-f]{32}\b/.exec(stdout)?.[0] ?? '';
  const steps = [
    ['artifacts', 'log-artifact', '-r', run, '-l', 'one.txt'],
    ['runs', 'set-tag', run, 'team', 'blue'],
  ];
  for (const args of steps) {
    expect(await mlts('databricks', {}, ...args)).toMatchObject({ exitCode: 0 });
  }
  const listed = await mlts('databricks', {}, 'artifacts', 'list', '-r', run);
  expect(listed.stdout).toContain('one.txt');
  const registry = { MLFLOW_REGISTRY_URI: 'databricks://ann' };
  const created = await mlts('databricks', registry, 'registered-models', 'create', 'churn');
  expect(created).toMatchObject({ exitCode: 0 });
});

test('models are looked for in Unity Catalog, as MLflow does, unless a registry is named', async () => {
  const { exitCode, stderr } = await mlts('databricks', {}, 'registered-models', 'list');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('MLFLOW_REGISTRY_URI=databricks');
});

test('doctor looks at the workspace', async () => {
  const { stdout } = await mlts('databricks://ann', {}, 'doctor');
  expect(stdout).toContain('MLflow server');
});
