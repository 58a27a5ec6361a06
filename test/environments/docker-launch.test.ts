import { describe, expect, test } from 'vitest';
import { type ContainerPlan, describeLaunch } from '../../src/environments/docker-launch.ts';
import { readDockerVariables } from '../../src/environments/docker-variables.ts';

const settings: ContainerPlan['settings'] = { container: {}, hostConfig: {}, env: {}, mounts: [] };
const plan: ContainerPlan = {
  image: 'image:1',
  code: '/home/me/project',
  cwd: '/home/me/project',
  settings,
  env: {},
  credentialFiles: new Map([
    ['AWS_SHARED_CREDENTIALS_FILE', '/home/me/.aws/credentials'],
    ['GOOGLE_APPLICATION_CREDENTIALS', '/keys/gcs.json'],
  ]),
  caller: { ids: { uid: 1000, gid: 1001 }, name: 'me' },
  isRootless: false,
};

function launch(
  changes: Partial<ContainerPlan> = {},
  { trackingUri = 'https://mlflow.example', artifactUri = 'mlflow-artifacts:/0/r/artifacts' } = {},
  env: Record<string, string> = {},
  paths: readonly string[] = [],
) {
  const command = { shell: 'python train.py', cwd: '/home/me/project', env, paths };
  return describeLaunch({ ...plan, ...changes }, command, { trackingUri, artifactUri });
}

const inPlace = (path: string) => ({ source: path, target: path, readOnly: false });
const code = { source: '/home/me/project', target: '/mlflow/projects/code', readOnly: false };

describe('the container of a run', () => {
  test('runs the command with bash or sh in the mounted project, as the caller', () => {
    expect(launch()).toEqual({
      kind: 'container',
      image: 'image:1',
      command: [
        'sh',
        '-c',
        'exec "$(command -v bash || command -v sh)" -c "$0"',
        'python train.py',
      ],
      workingDirectory: '/mlflow/projects/code',
      env: {
        HOME: '/tmp',
        USER: 'me',
        LOGNAME: 'me',
        TINI_KILL_PROCESS_GROUP: '1',
        MLFLOW_TRACKING_URI: 'https://mlflow.example',
      },
      mounts: [code],
      user: '1000:1001',
      options: { container: {}, hostConfig: { Init: true } },
    });
  });

  test('is root of a rootless daemon, which is the caller', () => {
    expect(launch({ isRootless: true }).user).toBe('0:0');
  });

  test('does as -A says', () => {
    const mount = { source: '/own', target: '/mlflow/projects/code', readOnly: true };
    const given = {
      ...settings,
      user: 'root',
      workingDirectory: '/app',
      env: { A: '1' },
      mounts: [mount],
      hostConfig: { Init: false, NetworkMode: 'mine' },
    };
    const result = launch({ settings: given }, { trackingUri: 'http://localhost:5000' });
    expect(result).toMatchObject({ user: 'root', workingDirectory: '/app', mounts: [mount] });
    expect(result.env).toMatchObject({ A: '1' });
    expect(result.env).not.toHaveProperty('HOME');
    expect(result.options.hostConfig).toEqual({ Init: false, NetworkMode: 'mine' });
  });

  test.each([
    ['http://localhost:5000', 'host'],
    ['http://127.0.0.1:5000', 'host'],
    ['http://[::1]:5000', 'host'],
    ['postgresql://u:p@localhost/db', 'host'],
    ['https://mlflow.example', undefined],
  ])('a store at %s is reached over the network %s', (trackingUri, network) => {
    expect(launch({}, { trackingUri }).options.hostConfig.NetworkMode).toBe(network);
  });

  test.each([
    ['sqlite:////data/db/mlflow.db', 'sqlite:////data/db/mlflow.db', '/data/db'],
    ['sqlite:////data/a%20b/x.db', 'sqlite:////data/a%20b/x.db', '/data/a b'],
    ['sqlite:///mlflow.db', 'sqlite:////home/me/project/mlflow.db', '/home/me/project'],
    ['file:///data/a%20b', 'file:///data/a%20b', '/data/a b'],
    ['./mlruns', '/home/me/project/mlruns', '/home/me/project/mlruns'],
  ])('the store %s is at %s inside, by a mount of %s', (trackingUri, inside, folder) => {
    const { env, mounts } = launch({}, { trackingUri });
    expect(env.MLFLOW_TRACKING_URI).toBe(inside);
    expect(mounts).toEqual(expect.arrayContaining([code, inPlace(folder)]));
    expect(mounts).toHaveLength(2);
  });

  test.each([
    ['/data/mlruns/1/abc/artifacts', inPlace('/data/mlruns/1')],
    ['file:///data/mlruns/1/abc/artifacts', inPlace('/data/mlruns/1')],
    ['/data/elsewhere', inPlace('/data/elsewhere')],
  ])('artifacts at %s', (artifactUri, mount) => {
    expect(launch({}, { artifactUri }).mounts).toEqual(expect.arrayContaining([mount, code]));
  });

  test('what `path` parameters name is there at the same place, to be read', () => {
    const address = { artifactUri: 'mlruns/1/abc/artifacts' };
    const inside = '/home/me/project/data.csv';
    expect(launch({}, address, {}, ['/data/train.csv', inside]).mounts).toEqual(
      expect.arrayContaining([
        { ...inPlace('/data/train.csv'), readOnly: true },
        { ...inPlace(inside), readOnly: true },
      ]),
    );
  });

  test('relative artifacts are within the mounted project', () => {
    expect(launch({}, { artifactUri: 'mlruns/1/abc/artifacts' }).mounts).toEqual([code]);
  });

  test('one mount serves a database and the artifacts beside it', () => {
    const { mounts } = launch(
      {},
      { trackingUri: 'sqlite:////data/mlflow.db', artifactUri: '/data/mlruns/1/abc/artifacts' },
    );
    expect(mounts).toEqual([inPlace('/data'), code]);
  });

  test.each(['sqlite:////mlflow.db', 'sqlite:////etc/mlflow.db', 'file:///usr'])(
    'the store %s would hide the container’s own files',
    (trackingUri) => {
      expect(() => launch({}, { trackingUri })).toThrow('cannot be mounted into a container');
    },
  );
});

describe('credentials', () => {
  const ours = {
    MLFLOW_TRACKING_TOKEN: 't',
    MLFLOW_RUN_ID: 'r',
    MLFLOW_ENV_ROOT: '/here',
    AWS_SESSION_TOKEN: 's',
    AWS_SHARED_CREDENTIALS_FILE: '/home/me/.aws/credentials',
    AZURE_CLIENT_SECRET: 'a',
    PATH: '/here/bin',
  };
  const envFor = (artifactUri: string) => {
    const { HOME, USER, LOGNAME, TINI_KILL_PROCESS_GROUP, ...env } = launch(
      {},
      { artifactUri },
      ours,
    ).env;
    return env;
  };
  const always = {
    MLFLOW_TRACKING_TOKEN: 't',
    MLFLOW_RUN_ID: 'r',
    MLFLOW_TRACKING_URI: 'https://mlflow.example',
  };

  test.each<[string, Record<string, string>]>([
    ['mlflow-artifacts:/1/r/artifacts', {}],
    ['s3://b/1', { AWS_SESSION_TOKEN: 's', AWS_SHARED_CREDENTIALS_FILE: '/.aws/credentials' }],
    ['wasbs://c@a.blob.core.windows.net/1', { AZURE_CLIENT_SECRET: 'a' }],
    ['gs://b/1', { GOOGLE_APPLICATION_CREDENTIALS: '/.gcs' }],
  ])('for %s are %o', (artifactUri, expected) => {
    expect(envFor(artifactUri)).toEqual({ ...always, ...expected });
  });

  test('files are mounted read-only', () => {
    expect(launch({}, { artifactUri: 's3://b/1' }).mounts).toContainEqual({
      source: '/home/me/.aws/credentials',
      target: '/.aws/credentials',
      readOnly: true,
    });
  });
});

describe('the variables of a docker_env', () => {
  test('are copied by name and set by pair', () => {
    expect(readDockerVariables(['A', ['B', '']], { A: '1' })).toEqual({ A: '1', B: '' });
  });

  test('that are missing are named all at once', () => {
    expect(() => readDockerVariables(['A', 'B', 'C'], { B: '1' })).toThrow('copies `A`, `C` from');
  });
});
