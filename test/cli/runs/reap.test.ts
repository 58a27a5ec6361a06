import { readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../rig.ts';
import { readRuns, type StoredRun } from '../store.ts';

const PROJECT = {
  'p/MLproject': 'entry_points: {main: {command: "echo $$ > started; exec sleep 300"}}\n',
};

/** A run whose command is at work; the command's own process number with it. */
async function startRun(
  rig: Rig,
): Promise<{ readonly run: StoredRun; readonly commandPid: number }> {
  await rig.write(PROJECT);
  void rig.start(['run', 'p', '--env-manager', 'local']).ended;
  for (let tries = 0; tries < 400; tries += 1) {
    const text = await readFile(rig.path('p/started'), 'utf8').catch(() => '');
    const [run] = text.endsWith('\n') ? readRuns(rig.path('mlflow.db')) : [];
    if (run !== undefined) return { run, commandPid: Number(text) };
    await sleep(25);
  }
  throw new Error('the command did not start');
}

function killMlts({ tags }: StoredRun, signal: 'SIGKILL' | 'SIGSTOP'): void {
  process.kill(Number(tags['mlts.pid']), signal);
}

function setTag(rig: Rig, key: string, value: string): void {
  const database = new DatabaseSync(rig.path('mlflow.db'));
  database.prepare('UPDATE tags SET value = ? WHERE key = ?').run(value, key);
  database.close();
}

const reap = (rig: Rig, ...options: string[]) => rig.mlts(['runs', 'reap', ...options]);
const statusOf = (rig: Rig) => readRuns(rig.path('mlflow.db'))[0]?.status;

describe.skipIf(process.platform !== 'linux')('runs reap (needs /proc)', () => {
  test('ends a run only when its mlts and its command are gone', async () => {
    await using rig = createRig();
    const { run, commandPid } = await startRun(rig);
    try {
      const atWork = 'RUNNING runs: ended 0, left 1 at work and 0 unknown to this machine\n';
      expect(await reap(rig)).toMatchObject({ exitCode: 0, stdout: '', stderr: atWork });
      killMlts(run, 'SIGKILL');
      expect(await reap(rig)).toMatchObject({ stdout: '', stderr: atWork });
    } finally {
      process.kill(commandPid, 'SIGKILL');
    }
    const preview = await reap(rig, '--dry-run', '--experiment-id', '0');
    expect(preview.stdout).toContain(`${run.id}  ${run.name}  0              RUNNING`);
    expect(preview.stderr).toContain('would end 1');
    expect(statusOf(rig)).toBe('RUNNING');

    const [row] = JSON.parse((await reap(rig, '-o', 'json')).stdout) as Record<string, unknown>[];
    expect(row).toMatchObject({ run_id: run.id, status: 'KILLED', experiment_id: '0' });
    expect(readRuns(rig.path('mlflow.db'))[0]).toMatchObject({
      status: 'KILLED',
      endTimeMs: row?.end_time,
    });
    expect(await reap(rig)).toMatchObject({
      stdout: '',
      stderr: expect.stringContaining('ended 0'),
    });
  });

  test.each([
    ['another machine of that name', 'mlts.process', /^[^:]*/],
    ['a container', 'mlts.process', /(?<=:)[^:]*(?=:[^:]*$)/],
    ['another host', 'mlts.host', /.*/s],
  ])('a run of %s is left alone', async (_title, key, part) => {
    await using rig = createRig();
    const { run, commandPid } = await startRun(rig);
    setTag(rig, key, (run.tags[key] ?? '').replace(part, '1'));
    killMlts(run, 'SIGKILL');
    process.kill(commandPid, 'SIGKILL');
    expect((await reap(rig)).stderr).toContain('0 at work and 1 unknown');
    expect(statusOf(rig)).toBe('RUNNING');
  });

  test('a run whose process number another process has now is ended', async () => {
    await using rig = createRig();
    const { run, commandPid } = await startRun(rig);
    // Stopped, it is there but cannot end the run itself.
    killMlts(run, 'SIGSTOP');
    process.kill(commandPid, 'SIGKILL');
    setTag(rig, 'mlts.process', (run.tags['mlts.process'] ?? '').replace(/[^:]*$/, '1'));
    await reap(rig);
    killMlts(run, 'SIGKILL');
    expect(statusOf(rig)).toBe('KILLED');
  });

  test('a run that another program made is left alone', async () => {
    await using rig = createRig();
    await rig.mlts(['runs', 'create', '--experiment-id', '0']);
    const database = new DatabaseSync(rig.path('mlflow.db'));
    database.exec("UPDATE runs SET status = 'RUNNING'");
    database.close();
    expect((await reap(rig)).stderr).toContain('0 at work and 1 unknown');
    expect(statusOf(rig)).toBe('RUNNING');
  });

  test('an experiment that is not there', async () => {
    await using rig = createRig();
    expect(await reap(rig, '--experiment-id', '77')).toMatchObject({
      exitCode: 1,
      stderr:
        'error: there is no experiment with id 77\nhint: list what there is: mlts experiments search --view all\n',
    });
  });
});
