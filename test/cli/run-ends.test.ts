import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createRig, type Rig } from './rig.ts';
import { readOnlyRun, readRuns } from './store.ts';

const local = ['--env-manager', 'local'];

function projectOf(command: string): Record<string, string> {
  return { 'p/MLproject': `entry_points:\n  main:\n    command: ${JSON.stringify(command)}\n` };
}

async function waitForFile(path: string): Promise<string> {
  for (let tries = 0; tries < 400; tries += 1) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.endsWith('\n')) return text.trim();
    await sleep(25);
  }
  throw new Error(`${path} did not appear`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return true;
}

/** A zombie that nobody collected is dead all the same. */
async function isRunning(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
}

describe('a command that fails', () => {
  test.each([
    { command: 'exit 7', exitCode: 7, tags: { 'mlts.exitCode': '7' } },
    {
      command: 'kill -9 $$',
      exitCode: 137,
      tags: { 'mlts.exitCode': '137', 'mlts.signal': 'SIGKILL' },
    },
    { command: 'no-such-command-here', exitCode: 127, tags: { 'mlts.exitCode': '127' } },
  ])(
    '`$command` exits $exitCode and leaves the run FAILED',
    async ({ command, exitCode, tags }) => {
      await using rig = createRig();
      await rig.write(projectOf(command));
      const ended = await rig.mlts(['run', 'p', ...local]);
      expect(ended.exitCode).toBe(exitCode);
      expect(ended.stderr).toMatch(/^error: run `.*` failed: /m);
      const run = readOnlyRun(rig.path('mlflow.db'));
      expect(run.status).toBe('FAILED');
      expect(run.tags).toMatchObject(tags);
      expect(run.endTimeMs).not.toBeNull();
    },
  );

  test('an environment that cannot be made leaves the run FAILED', async () => {
    await using rig = createRig();
    await rig.write({
      'p/MLproject': 'python_env: python_env.yaml\nentry_points: {main: {command: "true"}}\n',
      'p/python_env.yaml': 'python: "3.11"\ndependencies: [no-such-package-on-any-index==1.2.3]\n',
    });
    const ended = await rig.mlts(['run', 'p']);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toContain('no-such-package-on-any-index');
    expect(readOnlyRun(rig.path('mlflow.db')).status).toBe('FAILED');
  });
});

describe('nothing is created when the input is wrong', () => {
  test.each([
    {
      args: ['run', 'p', '-P', 'alpha=fast'],
      says: 'parameter `alpha` of `main` must be a float, got `fast`',
      exitCode: 1,
    },
    { args: ['run', 'p', '-P', 'alpha'], says: '`alpha`', exitCode: 2 },
    { args: ['run', 'p', '-P', 'alpha=1', '-P', 'alpha=2'], says: '`alpha`', exitCode: 2 },
    { args: ['run', 'p'], says: '`alpha`', exitCode: 1 },
    { args: ['run', 'p', '-e', 'nope', '-P', 'alpha=1'], says: '`nope`', exitCode: 1 },
    { args: ['run', 'missing'], says: 'missing', exitCode: 1 },
    {
      args: ['run', 'p', '--experiment-id', '1', '--experiment-name', 'x'],
      says: 'only one',
      exitCode: 2,
    },
    { args: ['run', 'p', '--backend', 'kubernetes'], says: 'kubernetes', exitCode: 2 },
    { args: ['run', 'p', '--env-manager', 'pipenv'], says: 'pipenv', exitCode: 2 },
    { args: ['run', 'p', '--env', 'NOT_SET_ANYWHERE'], says: 'NOT_SET_ANYWHERE', exitCode: 2 },
  ])('$args', async ({ args, says, exitCode }) => {
    await using rig = createRig();
    await rig.write({
      'p/MLproject':
        'entry_points:\n  main:\n    parameters: {alpha: float}\n    command: "touch ran {alpha}"\n',
    });
    const ended = await rig.mlts(args);
    expect(ended.stderr).toContain(says);
    expect(ended.stderr).toMatch(/^error: /);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
    expect(ended.exitCode).toBe(exitCode);
    expect(() => readRuns(rig.path('mlflow.db'))).toThrow();
  });

  test.each(['MLTS_GRACE_SECONDS', 'MLTS_STORE_DEADLINE_SECONDS'])(
    '%s is no number',
    async (name) => {
      await using rig = createRig();
      await rig.write(projectOf('touch ran'));
      const ended = await rig.mlts(['run', 'p', ...local], { env: { [name]: '10s' } });
      expect(ended).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(`${name} must be a number from 0 to 864000, got \`10s\``),
      });
      expect(() => readRuns(rig.path('mlflow.db'))).toThrow();
    },
  );

  test.each([
    { args: ['--env-manager', 'conda'], file: 'python: "3.11"\n', says: 'conda' },
    { args: [], file: 'python: 3.11\ndependencies: six\n', says: 'python_env.yaml:2' },
  ])('an environment that cannot be: $args $file', async ({ args, file, says }) => {
    await using rig = createRig();
    await rig.write({
      'p/MLproject': 'python_env: python_env.yaml\nentry_points: {main: {command: "true"}}\n',
      'p/python_env.yaml': file,
    });
    const ended = await rig.mlts(['run', 'p', ...args]);
    expect(ended.stderr).toContain(says);
    expect(ended.exitCode).toBe(1);
    expect(() => readRuns(rig.path('mlflow.db'))).toThrow();
  });

  test('a store that cannot be reached fails before the command starts', async () => {
    await using rig = createRig();
    await rig.write(projectOf('touch ran'));
    const ended = await rig.mlts(['run', 'p', ...local], {
      env: {
        MLFLOW_TRACKING_URI: 'http://user:s3cretpw@127.0.0.1:9',
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
      },
    });
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toContain('127.0.0.1:9');
    expect(ended.stderr).not.toContain('s3cretpw');
    await expect(readFile(rig.path('p/ran'))).rejects.toThrow('ENOENT');
  });
});

describe('signals', () => {
  const TREE = 'sleep 300 & echo $! > grandchild; echo $$ > child; wait';

  async function startTree(rig: Rig, command = TREE) {
    await rig.write(projectOf(command));
    const child = rig.start(['run', 'p', ...local], { env: { MLTS_GRACE_SECONDS: '1' } });
    const pids = [
      await waitForFile(rig.path('p/child')),
      await waitForFile(rig.path('p/grandchild')),
    ];
    return { child, pids: pids.map(Number) };
  }

  test.each([
    { signal: 'SIGINT', exitCode: 130 },
    { signal: 'SIGTERM', exitCode: 143 },
    { signal: 'SIGHUP', exitCode: 129 },
  ] as const)(
    '$signal ends the whole process group and leaves the run KILLED',
    async ({ signal, exitCode }) => {
      await using rig = createRig();
      const { child, pids } = await startTree(rig);
      child.kill(signal);
      const ended = await child.ended;
      expect(ended.exitCode).toBe(exitCode);
      expect(await Promise.all(pids.map(isRunning))).toEqual([false, false]);
      const run = readOnlyRun(rig.path('mlflow.db'));
      expect(run.status).toBe('KILLED');
      expect(run.tags['mlts.signal']).toBe(signal);
    },
  );

  test('a command that ignores the signal is killed after the grace period', async () => {
    await using rig = createRig();
    const { child, pids } = await startTree(
      rig,
      "trap '' INT TERM; (trap '' INT TERM; sleep 300) & echo $! > grandchild; echo $$ > child; sleep 300; sleep 300",
    );
    child.kill('SIGINT');
    expect((await child.ended).exitCode).toBe(130);
    expect(await Promise.all(pids.map(isRunning))).toEqual([false, false]);
    expect(readOnlyRun(rig.path('mlflow.db')).status).toBe('KILLED');
  });

  test('a second signal does not wait for the grace period', async () => {
    await using rig = createRig();
    await rig.write(projectOf("trap '' INT; echo $$ > child; while true; do sleep 0.2; done"));
    const child = rig.start(['run', 'p', ...local], { env: { MLTS_GRACE_SECONDS: '600' } });
    const pid = Number(await waitForFile(rig.path('p/child')));
    child.kill('SIGINT');
    await sleep(300);
    child.kill('SIGINT');
    expect((await child.ended).exitCode).toBe(130);
    expect(await isRunning(pid)).toBe(false);
    expect(readOnlyRun(rig.path('mlflow.db')).status).toBe('KILLED');
  });

  test('a command that catches the signal and ends well is still an interrupted run', async () => {
    await using rig = createRig();
    await rig.write(
      projectOf("trap 'echo bye; exit 0' TERM; echo $$ > child; while true; do sleep 0.1; done"),
    );
    const child = rig.start(['run', 'p', ...local]);
    await waitForFile(rig.path('p/child'));
    child.kill('SIGTERM');
    const ended = await child.ended;
    expect(ended).toMatchObject({ exitCode: 143, stdout: 'bye\n' });
    expect(readOnlyRun(rig.path('mlflow.db')).status).toBe('KILLED');
  });
});
