import { describe, expect, test } from 'vitest';
import { type S3Server, startS3Server } from '../setup/s3.ts';
import { createRig, type Rig } from './rig.ts';

const MODEL = 'flavors: {python_function: {loader_module: m}}\nrun_id: RUN\n';

async function readVersion(rig: Rig, name: string, version: number): Promise<unknown> {
  const line = ['model-versions', 'get', name, String(version), '-o', 'json'];
  return JSON.parse((await rig.mlts(line)).stdout);
}

/** The id of a new run with a model among its artifacts. */
async function createRun(rig: Rig): Promise<string> {
  const made = await rig.mlts(['runs', 'create', '--experiment-id', '0']);
  const run = /[0-9a-f]{32}/.exec(made.stdout + made.stderr)?.[0] ?? '';
  await rig.write({ 'model/MLmodel': MODEL.replace('RUN', run) });
  const line = ['artifacts', 'log-artifacts', '-l', 'model', '-r', run, '-a', 'model'];
  expect(await rig.mlts(line)).toMatchObject({ exitCode: 0 });
  return run;
}

describe.each(['sqlite:///mlflow.db', 'mlruns'])('mlts models register: %s', (uri) => {
  test('the model of a run', async () => {
    await using rig = createRig({ MLFLOW_TRACKING_URI: uri });
    const run = await createRun(rig);
    const line = ['models', 'register', `runs:/${run}/model`, '-n', 'churn', '-t', 'a=1'];
    const more = ['--description', 'why', '--alias', 'new', '--alias', 'best', '-o', 'json'];
    const ended = await rig.mlts([...line, ...more]);
    expect(ended).toMatchObject({
      exitCode: 0,
      stderr: 'created registered model `churn`\ncreated version 1 of `churn`\n',
    });
    const version = JSON.parse(ended.stdout);
    expect(version).toMatchObject({
      name: 'churn',
      version: '1',
      run_id: run,
      description: 'why',
      tags: [{ key: 'a', value: '1' }],
      aliases: ['best', 'new'],
      source: expect.stringMatching(new RegExp(`^(file://)?/.*/${run}/artifacts/model$`)),
    });
    expect(await readVersion(rig, 'churn', 1)).toEqual(version);
  });

  test('a folder, with the run that made it, if it is one of ours', async () => {
    await using rig = createRig({ MLFLOW_TRACKING_URI: uri });
    const run = await createRun(rig);
    await rig.write({ 'other/MLmodel': MODEL.replace('RUN', 'f'.repeat(32)) });
    for (const source of ['model/', `file://${rig.path('model')}`, './other']) {
      const ended = await rig.mlts(['models', 'register', source, '--name', 'churn']);
      expect(ended).toMatchObject({ exitCode: 0 });
    }
    const named = await rig.mlts('models register other --name churn --run-id abc'.split(' '));
    expect(named).toMatchObject({ stdout: '4\n', stderr: 'created version 4 of `churn`\n' });
    const [folder, other] = [rig.path('model'), rig.path('other')];
    expect(await readVersion(rig, 'churn', 1)).toMatchObject({ source: folder, run_id: run });
    expect(await readVersion(rig, 'churn', 2)).toMatchObject({ source: `file://${folder}` });
    const third = await readVersion(rig, 'churn', 3);
    expect(third).toMatchObject({ source: other });
    expect(third).not.toHaveProperty('run_id');
    expect(await readVersion(rig, 'churn', 4)).toMatchObject({ source: other, run_id: 'abc' });
  });

  test('a version by stage, alias and as the latest one', async () => {
    await using rig = createRig({ MLFLOW_TRACKING_URI: uri });
    for (const line of [
      'registered-models create churn',
      'model-versions create churn --source s3://bucket/one --run-id abc',
      'model-versions create churn --source s3://bucket/two',
      'model-versions transition-stage churn 1 Staging',
      'registered-models set-alias churn best 2',
      'models register models:/churn/staging --name next',
      'models register models:/churn@best --name next',
      'models register models:/churn/latest --name next',
    ]) {
      expect(await rig.mlts(line.split(' ')), line).toMatchObject({ exitCode: 0 });
    }
    const first = { source: 'models:/churn/1', run_id: 'abc' };
    expect(await readVersion(rig, 'next', 1)).toMatchObject(first);
    expect(await readVersion(rig, 'next', 2)).toMatchObject({ source: 'models:/churn/2' });
    expect(await readVersion(rig, 'next', 3)).toMatchObject({ source: 'models:/churn/2' });
  });

  test.each([
    ['empty', [], 1, /\/empty is no model: it holds no MLmodel file\nhint: .*save_model/],
    ['missing', [], 1, /\/missing is no model/],
    ['damaged', [], 1, /MLmodel file in .*damaged is no YAML mapping/],
    ['gopher://host/model', [], 1, /gopher/],
    ['models:/none/1', [], 1, /no version 1/],
    ['models:/none/latest', [], 1, /no registered model `none`/],
    ['models:/none/1/part', [], 1, /part of a model/],
    ['models:/m-1', [], 1, /m-1/],
    [`runs:/${'f'.repeat(32)}/model`, [], 1, /no run with id f/],
    ['runs:/RUN/none', [], 1, /has no model `none`\nhint: .*artifacts list/],
    ['runs:/RUN/../x', [], 1, /\.\./],
    ['good', ['--alias', 'latest'], 1, /alias `latest` is reserved/],
    ['good', ['--tag', 'a//b=c'], 1, /tag name `a\/\/b`/],
    ['good', ['--name', 'a/b'], 1, /`a\/b` cannot name a model/],
  ])('refuses %s %j before anything is made', async (source, flags, exitCode, message) => {
    await using rig = createRig({ MLFLOW_TRACKING_URI: uri });
    await rig.write({ 'empty/x': '', 'damaged/MLmodel': '- [', 'good/MLmodel': MODEL });
    const run = source.includes('RUN') ? await createRun(rig) : '';
    const line = ['models', 'register', source.replace('RUN', run), '--name', 'churn', ...flags];
    expect(await rig.mlts(line)).toMatchObject({
      exitCode,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
    const list = await rig.mlts(['registered-models', 'list', '-o', 'json']);
    expect(list.stdout).toBe('[]\n');
  });
});

test('a folder in S3, if it holds a model', async () => {
  await using rig = createRig();
  let server: S3Server | undefined;
  try {
    server = await startS3Server();
    await server.createBucket('lake');
    await server.put('lake', 'models/one/MLmodel', MODEL);
    const { env } = server;
    const register = (source: string) =>
      rig.mlts(['models', 'register', source, '--name', 'churn'], { env });
    expect(await register('s3://lake/models/two')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/s3:\/\/lake\/models\/two is no model/),
    });
    expect(await register('s3://lake/models/one')).toMatchObject({ exitCode: 0, stdout: '1\n' });
    const source = 's3://lake/models/one';
    expect(await readVersion(rig, 'churn', 1)).toMatchObject({ source });
  } finally {
    await server?.stop();
  }
});

test.each([
  ['models:/m-1', /no version of a registered model\nhint: .*models register/],
  ['s3://bucket/x', /does not name a model/],
  ['models:/none/1', /no version 1/],
])('model-versions copy refuses %s before anything is made', async (source, message) => {
  await using rig = createRig();
  expect(await rig.mlts(['model-versions', 'copy', source, 'next'])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(message),
  });
  const list = await rig.mlts(['registered-models', 'list', '-o', 'json']);
  expect(list.stdout).toBe('[]\n');
});
