// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of files of variables.
import { describe, expect, test } from 'vitest';
import { createRig } from './rig.ts';

describe('mlts --env-file', () => {
  test('sets variables for every verb, below those that are set', async () => {
    await using rig = createRig();
    await rig.write({
      'team.env':
        'export MLFLOW_TRACKING_URI="sqlite:///${FOLDER}/team.db" # ours\nMLFLOW_EXPERIMENT_NAME=from-file\n',
    });
    await rig.write({ 'kept/x': '' });
    const create = ['--env-file', 'team.env', 'runs', 'create'];
    const env = { FOLDER: rig.path('kept'), MLFLOW_EXPERIMENT_NAME: 'from-shell' };
    const created = await rig.mlts(create, { env });
    expect(created.stderr).toMatch(/^read variables from team\.env\n/);
    expect(JSON.parse(created.stdout)).toMatchObject({ experiment_id: '1' });
    const search = ['--env-file=team.env', 'experiments', 'search', '--output', 'json'];
    const { stdout } = await rig.mlts(search, { env });
    const names = (JSON.parse(stdout) as { readonly name: string }[]).map(({ name }) => name);
    expect(names.toSorted()).toEqual(['Default', 'from-shell']);
  });

  test('the command of a run has them, and their secrets are masked', async () => {
    await using rig = createRig();
    await rig.write({
      'team.env': 'DB_PASSWORD=hunter#22\nCOLOUR=green\n',
      'train.sh': 'echo "$DB_PASSWORD $COLOUR $SIZE"',
      'run.env': 'COLOUR=${COLOUR}ish\nSIZE=#1\nno variable\n',
    });
    const run = ['run', '.', '-e', 'train.sh', '--env-manager', 'local', '--env-file', 'run.env'];
    const ended = await rig.mlts([
      '--debug',
      '--env-file',
      'team.env',
      ...run,
      '-P',
      'x=hunter#22',
    ]);
    expect(ended.stdout).toBe('hunter#22 greenish #1\n');
    expect(ended.stderr).toContain('warning: run.env:3 is no `NAME=value`, and is left out\n');
    expect(ended.stderr).toMatch(/^\$ .*train\.sh --x '?\*\*\*\*/m);
    expect(ended.stderr).not.toContain('hunter');
  });

  test.each([
    [
      ['--env-file', 'none.env', 'experiments', 'search'],
      /^error: --env-file: .*none\.env does not exist\n/,
    ],
    [
      ['--env-file', '.', 'experiments', 'search'],
      /^error: --env-file: .* is a folder, not a file\n/,
    ],
    [['--env-file'], /^error: option '--env-file <file>' argument missing\n/],
  ])('%j ends with 2', async (args, said) => {
    await using rig = createRig();
    const ended = await rig.mlts(args);
    expect([ended.exitCode, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toMatch(said);
  });

  test('a line that is no variable is told and left out', async () => {
    await using rig = createRig();
    await rig.write({ 'a.env': 'MLFLOW_TRACKING_URI=sqlite:///a.db\n\n= x\n' });
    const ended = await rig.mlts(['--env-file', 'a.env', 'experiments', 'search']);
    expect(ended).toMatchObject({
      exitCode: 0,
      stderr: 'warning: a.env:3 is no `NAME=value`, and is left out\nread variables from a.env\n',
    });
  });
});
