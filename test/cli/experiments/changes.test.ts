import { describe, expect, test } from 'vitest';
import { createRig } from '../rig.ts';
import { readOnlyRun } from '../store.ts';

const traces = {
  exitCode: 2,
  stdout: '',
  stderr: expect.stringMatching(/^error: mlts keeps no traces.*\nhint: use `mlflow /),
};

describe('experiments', () => {
  test('a tag is set, and told on stderr', async () => {
    await using rig = createRig();
    expect(await rig.mlts(['experiments', 'set-tag', '0', 'team', 'a b'])).toEqual({
      exitCode: 0,
      signal: undefined,
      stdout: '',
      stderr: 'set tag `team` of experiment 0\n',
    });
  });

  test('options for traces are refused, and nothing is created', async () => {
    await using rig = createRig();
    const create = ['experiments', 'create', '-n', 'a'];
    expect(await rig.mlts([...create, '--trace-archival-retention', '30d'])).toMatchObject(traces);
    const update = ['experiments', 'update', '-x', '0', '--trace-archive-now'];
    expect(await rig.mlts(update)).toMatchObject(traces);
    expect(await rig.mlts(create)).toMatchObject({
      stdout: "Created experiment 'a' with id 1\n",
    });
  });

  test('an artifact location in this folder becomes absolute', async () => {
    await using rig = createRig();
    await rig.mlts(['experiments', 'create', '-n', 'a', '-l', 'kept']);
    const { stdout } = await rig.mlts(['runs', 'create', '--experiment-name', 'a']);
    const { run_id: id } = JSON.parse(stdout) as { readonly run_id: string };
    expect(readOnlyRun(rig.path('mlflow.db')).artifactUri).toBe(
      `${rig.path('kept')}/${id}/artifacts`,
    );
  });

  test("a folder's default experiment stays", async () => {
    await using rig = createRig();
    const env = { MLFLOW_TRACKING_URI: 'runs-here' };
    expect(await rig.mlts(['experiments', 'delete', '-x', '0'], { env })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^error: experiment 0 is the default one/),
    });
  });

  test('the environment names the experiment of a new run, a flag comes first', async () => {
    await using rig = createRig();
    const env = { MLFLOW_EXPERIMENT_NAME: 'by environment' };
    const named = await rig.mlts(['runs', 'create'], { env });
    expect(named.stderr).toBe('created experiment `by environment` (1)\n');
    const flagged = await rig.mlts(['runs', 'create', '--experiment-id', '0'], { env });
    expect(JSON.parse(flagged.stdout)).toMatchObject({ experiment_id: '0', run_name: null });
  });
});
