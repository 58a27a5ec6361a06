import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { createTestContext } from '../setup/context.ts';
import { type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';
import { createRig, type Rig } from './rig.ts';

const asJson = async (rig: Rig, ...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await rig.mlts([...args, '--output', 'json'])).stdout);

async function run(rig: Rig, ...lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    const ended = await rig.mlts(line.split(' '));
    expect(ended, line).toMatchObject({ exitCode: 0 });
  }
}

/** Each verb that changes or deletes, on the registry at `uri`. */
async function changeEverything(uri: string): Promise<void> {
  await using rig = createRig({ MLFLOW_TRACKING_URI: uri });
  await run(
    rig,
    'registered-models create a',
    'model-versions create a -s s3://bucket/a',
    'model-versions create a -s s3://bucket/b',
    'registered-models rename a b',
    'registered-models update b --description of-model',
    'registered-models set-tag b key value',
    'registered-models set-tag b gone value',
    'registered-models delete-tag b gone',
    'registered-models set-alias b best 1',
    'registered-models set-alias b gone 1',
    'registered-models delete-alias b gone',
    'model-versions update b 1 --description of-version',
    'model-versions set-tag b 1 key value',
    'model-versions set-tag b 1 gone value',
    'model-versions delete-tag b 1 gone',
    'model-versions delete b 2',
  );
  const tags = [{ key: 'key', value: 'value' }];
  expect(await asJson(rig, 'registered-models', 'get', 'b')).toMatchObject({
    description: 'of-model',
    tags,
    aliases: [{ alias: 'best', version: '1' }],
  });
  expect(await asJson(rig, 'model-versions', 'get', 'b', '1')).toMatchObject({
    description: 'of-version',
    tags,
    aliases: ['best'],
  });
  const view = await rig.mlts(['model-versions', 'get', 'b', '1']);
  expect(view.stdout).toMatch(/^name {9}b\nversion {6}1\nstage {8}None\naliases {6}best\n/);
  await run(rig, 'registered-models delete b');
  const empty = await rig.mlts(['registered-models', 'search', '-o', 'json']);
  expect(empty.stdout).toBe('[]\n');
}

describe('the model registry', () => {
  test.each(['sqlite:///mlflow.db', 'mlruns'])("a team's way to production: %s", async (uri) => {
    await using rig = createRig({ MLFLOW_TRACKING_URI: uri });
    await run(
      rig,
      'registered-models create churn --description why --tag team=a=b',
      'registered-models create other',
      'model-versions create churn --source s3://bucket/one',
      'model-versions transition-stage churn 1 production',
    );
    const created = await rig.mlts(
      'model-versions create churn --source models/two --run-id abc -t checked=yes'.split(' '),
    );
    expect(created).toMatchObject({ stdout: '2\n', stderr: 'created version 2 of `churn`\n' });
    await run(
      rig,
      'registered-models set-alias churn champion 2',
      'model-versions transition-stage churn 2 Production --archive-existing',
    );
    expect(await asJson(rig, 'registered-models', 'get', 'churn')).toMatchObject({
      name: 'churn',
      description: 'why',
      tags: [{ key: 'team', value: 'a=b' }],
      aliases: [{ alias: 'champion', version: '2' }],
      latest_versions: [
        { version: '1', current_stage: 'Archived', source: 's3://bucket/one' },
        { version: '2', current_stage: 'Production', source: rig.path('models/two') },
      ],
    });
    const list = await rig.mlts(['registered-models', 'list', '-o', 'csv']);
    expect(list.stdout).toMatch(
      /^name,latest_versions,aliases,last_updated\nchurn,1 \(Archived\) 2 \(Production\),champion=2,.*Z\nother,,,.*Z\n$/,
    );
    const search = ['model-versions', 'search', '-f', "name LIKE 'ch%' AND tags.checked = 'yes'"];
    expect(await asJson(rig, ...search)).toMatchObject([
      { name: 'churn', version: '2', run_id: 'abc', aliases: ['champion'] },
    ]);
    const archived = ['model-versions', 'search', '--stage', 'archived', '--max-results', '1'];
    expect(await asJson(rig, ...archived)).toMatchObject([{ version: '1' }]);
  });

  describe('what is there changes and goes', () => {
    test.each(['sqlite:///mlflow.db', 'mlruns'])('%s', changeEverything);

    describe('an MLflow server', () => {
      let server: RunningServer;
      beforeAll(async () => {
        server = await startMlflowServer();
      });
      afterAll(() => server?.stop());

      test('an MLflow server', () => changeEverything(server.uri));
    });

    describeOnPostgres('PostgreSQL', (postgres) => {
      test('PostgreSQL', async () => changeEverything(await postgres().createDatabase()));
    });
  });

  test.each([
    ['registered-models get none', 1, /no registered model `none`\nhint: .*search/],
    ['registered-models create a/b', 1, /`a\/b` cannot name a model/],
    ['registered-models create a --tag b', 2, /key=value/],
    ['model-versions get a 0', 2, /whole number from 1/],
    ['model-versions create a', 2, /--source/],
    ['model-versions transition-stage a 1 Live', 2, /None, Staging, Production, Archived/],
    ['model-versions transition-stage a 1 None --archive-existing', 1, /cannot be archived/],
    ['model-versions search --filter stage=1', 1, /no attribute `stage`/],
  ])('%s', async (line, exitCode, message) => {
    await using rig = createRig();
    expect(await rig.mlts(line.split(' '))).toMatchObject({
      exitCode,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
  });

  test('MLFLOW_REGISTRY_URI comes before the tracking URI', async () => {
    await using rig = createRig();
    const env = { MLFLOW_TRACKING_URI: 'runs', MLFLOW_REGISTRY_URI: 'sqlite:///models.db' };
    await rig.mlts(['registered-models', 'create', 'a'], { env });
    const found = await rig.mlts(['registered-models', 'list', '-o', 'jsonl'], { env });
    expect(JSON.parse(found.stdout)).toMatchObject({ name: 'a' });
    const other = { MLFLOW_TRACKING_URI: 'runs', MLFLOW_REGISTRY_URI: 'ftp://host/models' };
    expect(await rig.mlts(['registered-models', 'list'], { env: other })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/no model registry for `ftp:.*\nhint: use sqlite/),
    });
  });

  test.each(['sqlite:///models.db', 'models'])(
    'a logged model of another store is registered in %s',
    async (registry) => {
      await using rig = createRig();
      const runs = `sqlite:///${rig.path('runs.db')}`;
      const tracking = await openTrackingStore(runs, createTestContext());
      const runId = 'a'.repeat(32);
      const given = { experimentId: '0', name: 'churn', sourceRunId: runId };
      const model = await tracking.loggedModels.create(given);
      await tracking.close();
      const env = { MLFLOW_TRACKING_URI: runs, MLFLOW_REGISTRY_URI: registry };
      await rig.mlts(['registered-models', 'create', 'a'], { env });
      const create = ['model-versions', 'create', 'a', '--source', `models:/${model.id}`];
      expect(await rig.mlts(create, { env })).toMatchObject({ exitCode: 0, stdout: '1\n' });
      const found = await rig.mlts(['model-versions', 'get', 'a', '1', '-o', 'json'], { env });
      expect(JSON.parse(found.stdout)).toMatchObject({ run_id: runId });
      const unknown = [...create.slice(0, -1), `models:/m-${'0'.repeat(32)}`];
      expect(await rig.mlts(unknown, { env })).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('names no model that can be registered'),
      });
    },
  );
});
