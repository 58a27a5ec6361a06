import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createRig, type Rig } from './rig.ts';
import { readOnlyRun, readRuns } from './store.ts';

const local = ['--env-manager', 'local'];

/** A project whose command writes down what it was given. */
const RECORDER = {
  'project/MLproject': `name: recorder
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.50}
      text: {type: string, default: "a b"}
      count: int
    command: "python3 record.py {alpha} {text} {count}"
`,
  'project/record.py': `import json, os, sys
json.dump({"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}, open("record.json", "w"))
print("to stdout")
print("to stderr", file=sys.stderr)
`,
};

interface Record {
  readonly argv: string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
}

async function readRecord(rig: Rig): Promise<Record> {
  return JSON.parse(await readFile(rig.path('project/record.json'), 'utf8')) as Record;
}

describe('mlts run', () => {
  test("lets the command's own MLflow open a file store", async () => {
    await using rig = createRig();
    await rig.write({ 'train.sh': 'echo "$MLFLOW_ALLOW_FILE_STORE"' });
    const outputs: string[] = [];
    for (const store of ['', './runs', rig.path('sub'), `file://${rig.path('more')}`]) {
      const env = { MLFLOW_TRACKING_URI: store };
      outputs.push((await rig.mlts(['run', '.', '-e', 'train.sh', ...local], { env })).stdout);
    }
    expect(outputs).toEqual(['\n', 'true\n', 'true\n', 'true\n']);
  });

  test('shows what to type next so that it works', async () => {
    await using rig = createRig();
    await rig.write({
      'my project/MLproject':
        'entry_points:\n  main: {command: "true"}\n  score: {parameters: {n: int}, command: "true"}\n',
    });
    const ended = await rig.mlts(['run', 'my project', ...local]);
    const next = "mlts run 'my project' -e score --env-manager local";
    expect(ended.stderr).toContain(`  ${next} -P n=<int>\n`);
    const refused = await rig.mlts(['run', 'my project', '-e', 'score', ...local]);
    expect(refused.stderr).toContain(`hint: pass them: \`${next} -P n=10\``);
  });

  test('runs the entry point and stores the run in sqlite:///mlflow.db', async () => {
    await using rig = createRig();
    await rig.write(RECORDER);
    const ended = await rig.mlts([
      'run',
      'project',
      ...local,
      '-P',
      'count=3',
      '--run-name',
      'first',
    ]);
    expect(ended).toMatchObject({ exitCode: 0, stdout: 'to stdout\n' });
    expect(ended.stderr).toContain('to stderr');
    expect(ended.stderr).toMatch(/status\s+FINISHED in \d/);

    const run = readOnlyRun(rig.path('mlflow.db'));
    expect(run).toMatchObject({ name: 'first', status: 'FINISHED', experimentId: '0' });
    expect(run.params).toEqual({ alpha: '0.5', text: 'a b', count: '3' });
    expect(run.tags).toMatchObject({
      'mlflow.source.type': 'PROJECT',
      'mlflow.source.name': rig.path('project'),
      'mlflow.project.entryPoint': 'main',
      'mlflow.project.backend': 'local',
      'mlflow.runName': 'first',
    });
    expect(run.artifactUri).toBe(rig.path('mlruns', '0', run.id, 'artifacts'));

    const record = await readRecord(rig);
    expect(record.argv).toEqual(['0.5', 'a b', '3']);
    expect(record.cwd).toBe(realpathSync(rig.path('project')));
    expect(record.env).toMatchObject({
      MLFLOW_RUN_ID: run.id,
      MLFLOW_EXPERIMENT_ID: '0',
      MLFLOW_TRACKING_URI: `sqlite:///${rig.path('mlflow.db')}`,
    });
  });

  test('passes stdin to the command and its bytes through as they are', async () => {
    await using rig = createRig();
    await rig.write({
      'p/MLproject': 'entry_points: {main: {command: "cat; printf \'\\\\377\\\\0x\'"}}\n',
    });
    const { stdout } = await rig.mlts(['run', 'p', ...local], { input: 'typed in' });
    expect(stdout).toBe('typed in\u{fffd}\0x');
  });

  test('creates the experiment that --experiment-name names, and finds it again', async () => {
    await using rig = createRig();
    await rig.write(RECORDER);
    const args = [
      'run',
      'project',
      ...local,
      '-P',
      'count=1',
      '--experiment-name',
      'production training',
    ];
    expect((await rig.mlts(args)).exitCode).toBe(0);
    expect((await rig.mlts(args)).exitCode).toBe(0);
    const runs = readRuns(rig.path('mlflow.db'));
    expect(runs.map(({ experimentId }) => experimentId)).toEqual(['1', '1']);
  });

  test('flag before variable: --experiment-id wins over MLFLOW_EXPERIMENT_NAME', async () => {
    await using rig = createRig();
    await rig.write(RECORDER);
    const ended = await rig.mlts(
      ['run', 'project', ...local, '-P', 'count=1', '--experiment-id', '0'],
      {
        env: { MLFLOW_EXPERIMENT_NAME: 'other' },
      },
    );
    expect(ended.exitCode).toBe(0);
    expect(readOnlyRun(rig.path('mlflow.db')).experimentId).toBe('0');
    expect((await readRecord(rig)).env.MLFLOW_EXPERIMENT_NAME).toBeUndefined();
  });

  test('an empty --experiment-name, as of an unset variable, is as none', async () => {
    await using rig = createRig();
    await rig.write(RECORDER);
    const args = ['run', 'project', ...local, '-P', 'count=1', '--experiment-name', ''];
    expect((await rig.mlts(args)).exitCode).toBe(0);
    expect(readOnlyRun(rig.path('mlflow.db')).experimentId).toBe('0');
  });

  test('--run-id continues a run', async () => {
    await using rig = createRig();
    await rig.write(RECORDER);
    await rig.mlts(['run', 'project', ...local, '-P', 'count=1']);
    const { id } = readOnlyRun(rig.path('mlflow.db'));
    const again = await rig.mlts(['run', 'project', ...local, '-P', 'count=2', '--run-id', id]);
    expect(again.exitCode).toBe(0);
    expect(readOnlyRun(rig.path('mlflow.db')).params.count).toBe('1');
    expect((await readRecord(rig)).env.MLFLOW_RUN_ID).toBe(id);
  });

  test('what is deleted is not run in, and says what else can be done', async () => {
    await using rig = createRig();
    await rig.write({ 'a.sh': 'true' });
    const run = (...args: readonly string[]) =>
      rig.mlts(['run', '.', '-e', 'a.sh', ...local, ...args]);
    await run('--experiment-name', 'churn');
    const { experimentId, id } = readOnlyRun(rig.path('mlflow.db'));
    await rig.mlts(['runs', 'delete', '--run-id', id]);
    expect((await run('--run-id', id)).stderr).toContain(
      `error: run ${id} is deleted\nhint: leave --run-id out, or bring it back with: mlts runs restore --run-id ${id}\n`,
    );
    await rig.mlts(['experiments', 'delete', '--experiment-id', experimentId]);
    for (const asked of [
      ['--experiment-name', 'churn'],
      ['--experiment-id', experimentId],
    ]) {
      expect((await run(...asked)).stderr).toContain(
        `error: experiment \`churn\` (${experimentId}) is deleted\n` +
          `hint: name another one, or bring it back with: mlts experiments restore --experiment-id ${experimentId}\n`,
      );
    }
  });

  test('--run-name with --run-id renames the run', async () => {
    await using rig = createRig();
    await rig.write(RECORDER);
    const args = ['run', 'project', ...local, '-P', 'count=1'];
    await rig.mlts(args);
    const { id } = readOnlyRun(rig.path('mlflow.db'));
    const again = await rig.mlts([...args, '--run-id', id, '--run-name', 'again']);
    expect(again.stderr).toContain(`run again (${id})`);
    const { name, tags } = readOnlyRun(rig.path('mlflow.db'));
    expect([name, tags['mlflow.runName']]).toEqual(['again', 'again']);
    expect(tags['mlflow.project.backend']).toBe('local');
  });

  test('a run started inside a run is nested in it', async () => {
    await using rig = createRig();
    await rig.write(RECORDER);
    await rig.mlts(['run', 'project', ...local, '-P', 'count=1']);
    const { id } = readOnlyRun(rig.path('mlflow.db'));
    await rig.mlts(['run', 'project', ...local, '-P', 'count=2'], { env: { MLFLOW_RUN_ID: id } });
    expect(readRuns(rig.path('mlflow.db'))[1]?.tags['mlflow.parentRunId']).toBe(id);
  });

  test('--env and --env-file reach the command, not the terminal', async () => {
    await using rig = createRig();
    await rig.write({ ...RECORDER, 'secrets.env': 'DB_PASSWORD="hunter22 x"\nPLAIN=file\n' });
    const ended = await rig.mlts(
      [
        'run',
        'project',
        ...local,
        '-P',
        'count=1',
        '--env-file',
        'secrets.env',
        '--env',
        'PLAIN=flag',
        '--env',
        'COPIED',
      ],
      { env: { COPIED: 'from here' } },
    );
    expect(ended.exitCode).toBe(0);
    const { env } = await readRecord(rig);
    expect(env).toMatchObject({ DB_PASSWORD: 'hunter22 x', PLAIN: 'flag', COPIED: 'from here' });
    expect(ended.stderr).not.toContain('hunter22');
  });

  test('extra parameters are appended, and many come from a file', async () => {
    await using rig = createRig();
    await rig.write({ ...RECORDER, 'many.yaml': 'count: 7\ntext: "it\'s"\nextra: [1, 2]\n' });
    const ended = await rig.mlts([
      'run',
      'project',
      ...local,
      '-P',
      '@many.yaml',
      '-P',
      'more=x y',
    ]);
    expect(ended.exitCode).toBe(0);
    expect((await readRecord(rig)).argv).toEqual([
      '0.5',
      "it's",
      '7',
      '--extra',
      '[1, 2]',
      '--more',
      'x y',
    ]);
  });

  test('a script is an entry point', async () => {
    await using rig = createRig();
    await rig.write({ 'p/hello.sh': 'echo "hello $1 $2"\n' });
    const ended = await rig.mlts(['run', 'p', ...local, '-e', 'hello.sh', '-P', 'to=you']);
    expect(ended.stdout).toBe('hello --to you\n');
    expect(readOnlyRun(rig.path('mlflow.db')).tags['mlflow.project.entryPoint']).toBe('hello.sh');
  });

  test('an existing mlruns folder is used where there is no database', async () => {
    await using rig = createRig();
    await rig.write({
      ...RECORDER,
      'mlruns/0/meta.yaml': `artifact_location: file://${rig.path('mlruns/0')}\ncreation_time: 1\nexperiment_id: '0'\nlast_update_time: 1\nlifecycle_stage: active\nname: Default\n`,
    });
    const ended = await rig.mlts(['run', 'project', ...local, '-P', 'count=1']);
    expect(ended.exitCode).toBe(0);
    expect(ended.stderr).toContain(rig.path('mlruns'));
    const { env } = await readRecord(rig);
    const meta = await readFile(rig.path('mlruns/0', env.MLFLOW_RUN_ID ?? '', 'meta.yaml'), 'utf8');
    expect(meta).toContain('status: 3');
  });
});

describe('mlts run --dry-run', () => {
  test('shows what would be done and creates nothing', async () => {
    await using rig = createRig();
    await rig.write(RECORDER);
    const ended = await rig.mlts(['run', 'project', '--dry-run', '-P', 'count=3', '-o', 'json']);
    expect(ended.exitCode).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      source: { uri: 'project', directory: realpathSync(rig.path('project')) },
      entryPoint: 'main',
      parameters: [
        { name: 'alpha', value: '0.5', from: 'default' },
        { name: 'text', value: 'a b', from: 'default' },
        { name: 'count', value: '3', from: 'given' },
      ],
      command: "python3 record.py 0.5 'a b' 3",
      environment: { manager: 'virtualenv', state: 'missing' },
      tracking: { uri: `sqlite:///${rig.path('mlflow.db')}`, isProxied: false },
    });
    const proxied = await rig.mlts([
      'run',
      'project',
      '--plan',
      '-P',
      'count=3',
      '--tracking-proxy',
    ]);
    expect(proxied.stdout).toContain(`sqlite:///${rig.path('mlflow.db')} (by way of a proxy)`);
    expect(() => readRuns(rig.path('mlflow.db'))).toThrow();
  });

  test('says it as text, with secret values masked', async () => {
    await using rig = createRig();
    await rig.write(RECORDER);
    const ended = await rig.mlts([
      'run',
      'project',
      '--plan',
      ...local,
      '-P',
      'count=3',
      '-P',
      'api_key=abcdef123',
    ]);
    expect(ended.stdout).toContain('python3 record.py 0.5');
    expect(ended.stdout).not.toContain('abcdef123');
  });
});

describe('help for people', () => {
  test('run URI --help lists the entry points of the project', async () => {
    await using rig = createRig();
    await rig.write(RECORDER);
    const { stdout, exitCode } = await rig.mlts(['run', 'project', '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('--entry-point');
    expect(stdout).toMatch(/alpha\s+float\s+0\.5/);
    expect(stdout).toMatch(/count\s+int\s+required/);
  });

  test('project validate tells all problems at once, with lines', async () => {
    await using rig = createRig();
    await rig.write({
      'p/MLproject':
        'name: x\nconda_env: no.yaml\npython_env: no2.yaml\nentry_points:\n  main:\n    command: 3\n',
    });
    const ended = await rig.mlts(['project', 'validate', 'p']);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr.match(/^error: .*\(MLproject:\d+\)/gm)?.length).toBeGreaterThanOrEqual(2);
  });
});
