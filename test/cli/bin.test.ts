import { existsSync } from 'node:fs';
import { copyFile, mkdir, stat, symlink } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { bin, createRig } from './rig.ts';

const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
const greeting = `mlts, version ${manifest.version}`;

const oldNode = await findOldNode();

async function findOldNode(): Promise<{ path: string; version: string } | undefined> {
  for (const path of ['/usr/bin/node', '/usr/local/bin/node'].filter((name) => existsSync(name))) {
    const version = (await execa(path, ['--version'])).stdout;
    if (Number.parseInt(version.slice(1), 10) < 24) return { path, version };
  }
  return undefined;
}

describe('bin/mlts.cjs', () => {
  test('starts through a chain of links, from anywhere', async () => {
    await using rig = createRig();
    await symlink(bin, rig.path('absolute'));
    await symlink('absolute', rig.path('relative'));
    const { stdout } = await execa('./relative', ['--version'], { cwd: rig.directory });
    expect(stdout).toBe(greeting);
  });

  test('is JavaScript for a Node that is new enough', async () => {
    const { stdout } = await execa(process.execPath, [bin, '--version']);
    expect(stdout).toBe(greeting);
  });

  test('keeps --env-file for the command: Node would take it for its own', async () => {
    await using rig = createRig();
    await rig.write({ 'train.sh': 'echo "$COLOUR, $NODE_OPTIONS"' });
    await rig.write({ '.env': 'COLOUR=green\nNODE_OPTIONS=--no-warnings\n' });
    const run = ['run', '.', '-e', 'train.sh', '--env-manager', 'local'];
    const ended = await rig.mlts([...run, '--env-file', '.env']);
    expect(ended.stdout).toBe('green, --no-warnings\n');
    const missing = await rig.mlts([...run, '--env-file', 'none.env']);
    expect(missing.stderr).toBe(
      `error: ${rig.path('none.env')} does not exist\nhint: check its path\n`,
    );
  });

  test('tells in words that it was not built', async () => {
    await using rig = createRig();
    await mkdir(rig.path('bin'));
    await copyFile(bin, rig.path('bin/mlts'));
    const ended = await execa(rig.path('bin/mlts'), ['--version'], { reject: false });
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(
      /^error: mlts is not built: .*\nhint: run `npm ci` in its folder$/,
    );
  });

  test.skipIf(oldNode === undefined)(
    'tells a Node that is too old in one line (skipped where there is none)',
    async () => {
      const ended = await execa(oldNode?.path ?? '', [bin, '--version'], { reject: false });
      expect(ended.exitCode).toBe(1);
      expect(ended.stderr).toBe(
        `error: mlts needs Node.js >= 24, but ${oldNode?.path} is ${oldNode?.version}`,
      );
    },
  );

  test('works when installed from its tarball', async () => {
    await using rig = createRig();
    const { stdout } = await execa('npm', [
      'pack',
      '--silent',
      '--ignore-scripts',
      '--pack-destination',
      rig.directory,
    ]);
    const install = [
      'install',
      '--silent',
      '--global',
      '--prefix',
      rig.path('global'),
      rig.path(stdout.trim()),
    ];
    await execa('npm', install, { cwd: rig.directory });
    const installed = await execa(rig.path('global/bin/mlts'), ['--version']);
    expect(installed.stdout).toBe(greeting);
  });
});

describe('the surroundings', () => {
  test('a folder that was removed under us is told in one line', async () => {
    await using rig = createRig();
    await rig.write({ 'train.sh': 'true' });
    const { stderr } = await execa(
      'bash',
      ['-c', `mkdir gone && cd gone && rmdir ../gone && ${bin} run ..; ${bin} --help >../help`],
      { cwd: rig.directory, env: rig.env, extendEnv: false },
    );
    const said = stderr.split('\n').filter((line) => !line.includes('getcwd'));
    expect(said).toEqual([
      'error: the current folder was removed',
      'hint: change to a folder that is there',
    ]);
  });

  test('the cache is for its user alone', async () => {
    await using rig = createRig();
    await rig.mlts(['--help'], { env: { XDG_CACHE_HOME: rig.path('cache') } });
    expect((await stat(rig.path('cache/mlts'))).mode & 0o777).toBe(0o700);
  });

  test('a HOME that cannot be made, and whose making names no reason, is no end', async () => {
    await using rig = createRig();
    // In /proc mkdir answers ENOENT, as an automounter does; Node's own mkdir then never returns.
    const ended = await rig.mlts(['run', '--help'], {
      env: { HOME: '/proc/none/home', XDG_CACHE_HOME: '' },
    });
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
  }, 20_000);
});

describe('the command line', () => {
  test.each([
    { args: [], exitCode: 2, says: 'Usage: mlts' },
    { args: ['rnu'], exitCode: 2, says: 'did you mean `run`?' },
    { args: ['run', '--entrypoint', 'x'], exitCode: 2, says: 'did you mean `--entry-point`?' },
    { args: ['project'], exitCode: 2, says: 'validate' },
    { args: ['run', 'a', 'b'], exitCode: 2, says: 'too many arguments' },
  ])('$args is a wrong command line', async ({ args, exitCode, says }) => {
    await using rig = createRig();
    const ended = await rig.mlts(args);
    expect(ended.exitCode).toBe(exitCode);
    expect(ended.stderr).toContain(says);
  });

  test('help goes to stdout', async () => {
    await using rig = createRig();
    for (const args of [
      ['--help'],
      ['help', 'run'],
      ['run', '--help'],
      ['project', 'validate', '--help'],
    ]) {
      const ended = await rig.mlts(args);
      expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
      expect(ended.stdout).toContain('Usage: mlts');
    }
  });

  test('a reader that goes away early is no error', async () => {
    const { stdout, stderr } = await execa('bash', ['-c', `${bin} run --help | head -1`]);
    expect(stdout).toBe('Usage: mlts run [options] [uri]');
    expect(stderr).toBe('');
  });

  test('every option of mlflow run is there', async () => {
    const mlflowOptions = [
      '--entry-point',
      '--version',
      '--param-list',
      '--docker-args',
      '--experiment-name',
      '--experiment-id',
      '--backend',
      '--backend-config',
      '--env-manager',
      '--storage-dir',
      '--run-id',
      '--run-name',
      '--build-image',
    ];
    const { stdout } = await execa(bin, ['run', '--help']);
    expect(mlflowOptions.filter((option) => !stdout.includes(option))).toEqual([]);
  });
});
