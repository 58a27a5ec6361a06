import { describe, expect, test } from 'vitest';
import { createRig } from '../rig.ts';
import { readOnlyRun } from '../store.ts';

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

  test('a tag that rules the archiving of traces cannot be set to what nobody can read', async () => {
    await using rig = createRig();
    const set = ['experiments', 'set-tag', '0', 'mlflow.trace.archivalRetention'];
    expect(await rig.mlts([...set, '30d'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/cannot be `30d`\nhint: use: mlts experiments update/),
    });
    expect(await rig.mlts([...set, '{"type": "duration", "value": "30d"}'])).toMatchObject({
      exitCode: 0,
    });
    const clear = ['experiments', 'update', '-x', '0', '--clear-trace-archival-retention'];
    expect((await rig.mlts(clear)).stdout).toMatch(
      /: cleared trace archival retention override\.$/m,
    );
  });

  test('traces are linked to runs that are there only', async () => {
    await using rig = createRig();
    const link = ['runs', 'link-traces', '--run-id', 'f'.repeat(32), '-t', 'tr-1'];
    expect(await rig.mlts(link)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/there is no run with id f+/),
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
