import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDockerEnvironment, type DockerOptions } from '../../src/environments/docker.ts';
import { testCache } from '../setup/cache.ts';
import { startContainer } from '../setup/container.ts';
import { createTestContext } from '../setup/context.ts';
import { BASE_IMAGE, docker, ensureDocker, whyNoDocker } from '../setup/docker.ts';

const reason = whyNoDocker();
const title = `projects in containers${reason ? ` (skipped: ${reason})` : ''}`;

describe.skipIf(reason !== undefined)(title, () => {
  let folder: string;
  let directory: string;
  const images: string[] = [];

  beforeAll(async () => {
    await ensureDocker();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(testCache, 'docker-'));
    directory = join(folder, 'project');
    await mkdir(directory);
    return () => rm(folder, { recursive: true, force: true });
  });
  afterAll(async () => {
    if (images.length > 0) await docker('image', 'rm', '--force', ...new Set(images));
  });

  function optionsOf(changes: Partial<DockerOptions> = {}): DockerOptions {
    return {
      project: 'mlts-test-churn',
      directory,
      commit: undefined,
      docker: { image: BASE_IMAGE, volumes: [], environment: [] },
      source: { directory, kind: 'none', file: undefined },
      buildImage: false,
      dockerArguments: new Map(),
      variables: {},
      ...changes,
    };
  }

  function contextOf(env: Record<string, string> = {}) {
    return createTestContext({
      cwd: directory,
      env: {
        ...process.env,
        HOME: folder,
        MLTS_CACHE_DIR: join(folder, 'cache'),
        MLTS_DOCKER_BASE_IMAGE: BASE_IMAGE,
        ...env,
      },
    });
  }

  /** Prepares the environment and runs the command in it, as `mlts run` does. */
  async function run(
    shell: string,
    changes: Partial<DockerOptions> = {},
    {
      env = {},
      trackingUri = 'sqlite:///mlflow.db',
    }: { env?: Record<string, string>; trackingUri?: string } = {},
  ) {
    const context = contextOf(env);
    const environment = createDockerEnvironment(optionsOf(changes), context);
    const prepared = await environment.prepare(context.interrupts.signal);
    const launch = prepared.launch(
      { shell, cwd: directory, env: { MLFLOW_RUN_ID: 'run-1', ...env }, paths: [] },
      { trackingUri, artifactUri: join(directory, 'mlruns/0/run-1/artifacts') },
    );
    if (launch.kind !== 'container') throw new Error('not a container');
    const started = startContainer(launch);
    const outcome = await started.outcome;
    return { ...started.wrote, outcome, context, prepared };
  }

  test('the project is the working directory, its store and artifacts are the real ones', async () => {
    await writeFile(
      join(directory, 'train.py'),
      [
        'import os, pathlib, sqlite3, sys',
        'uri = os.environ["MLFLOW_TRACKING_URI"]',
        'with sqlite3.connect(uri.removeprefix("sqlite:///")) as database:',
        '    database.execute("PRAGMA journal_mode=WAL")',
        '    database.execute("create table seen (run text)")',
        '    database.execute("insert into seen values (?)", [os.environ["MLFLOW_RUN_ID"]])',
        'artifacts = pathlib.Path(sys.argv[1])',
        'artifacts.mkdir(parents=True)',
        '(artifacts / "model.txt").write_text(os.getcwd())',
        'print(sys.argv[2])',
      ].join('\n'),
    );
    const artifacts = join(directory, 'mlruns/0/run-1/artifacts');
    const result = await run(`python train.py ${artifacts} 'a  "b" $HOME' && echo done >&2`);
    expect(result).toMatchObject({ stdout: 'a  "b" $HOME\n', stderr: 'done\n' });
    const database = new DatabaseSync(join(directory, 'mlflow.db'));
    expect(database.prepare('select run from seen').all()).toEqual([{ run: 'run-1' }]);
    database.close();
    expect(await readFile(join(artifacts, 'model.txt'), 'utf8')).toBe('/mlflow/projects/code');
    expect(result.prepared.tags).toEqual([
      { key: 'mlflow.project.env', value: 'docker' },
      { key: 'mlflow.docker.image.uri', value: BASE_IMAGE },
      {
        key: 'mlflow.docker.image.id',
        value: await docker('image', 'inspect', '--format', '{{.Id}}', BASE_IMAGE),
      },
    ]);
  });

  test('variables and volumes of docker_env, and -A, arrive; secrets are not shown', async () => {
    await mkdir(join(directory, 'data'));
    await writeFile(join(directory, 'data/a.csv'), 'rows');
    await writeFile(join(directory, 'more.env'), '# more\nFROM_FILE=5\n');
    const secret = 'hunter2-hunter2';
    const result = await run(
      'echo $COPIED $SET $GIVEN $ARG $FROM_FILE $MLFLOW_TRACKING_TOKEN; cat /data/a.csv; hostname; echo $UNSEEN',
      {
        docker: {
          image: BASE_IMAGE,
          volumes: ['$(pwd)/data:/data:ro'],
          environment: ['COPIED', ['SET', '2 3']],
        },
        variables: { GIVEN: '4' },
        dockerArguments: new Map<string, string | true>([
          ['hostname', 'box'],
          ['e', 'ARG=a=b'],
          ['env-file', 'more.env'],
          ['shm-size', '128m'],
        ]),
      },
      { env: { COPIED: '1', UNSEEN: 'x', MLFLOW_TRACKING_TOKEN: secret } },
    );
    expect(result.stdout).toBe(`1 2 3 4 a=b 5 ${secret}\nrowsbox\n\n`);
    expect(result.context.said.stdout + result.context.said.stderr).not.toContain(secret);
  });

  test('a store on this machine’s loopback address is reached', async () => {
    const server = createServer((_request, response) => response.end('here'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const trackingUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask =
      'python -c "import os, urllib.request as u; print(u.urlopen(os.environ[\'MLFLOW_TRACKING_URI\']).read())"';
    try {
      expect((await run(ask, {}, { trackingUri })).stdout).toBe("b'here'\n");
    } finally {
      server.close();
    }
  });

  test('any project gets an image from its python_env.yaml, once', async () => {
    await writeFile(join(directory, 'requirements.txt'), 'six==1.16.0\n');
    const file = join(directory, 'python_env.yaml');
    // The option names this run’s folder, so that the image is new.
    await writeFile(
      file,
      `python: "3.11"\ndependencies:\n  - -r requirements.txt\n  - --find-links=${folder}\n`,
    );
    const changes = {
      docker: undefined,
      source: { directory, kind: 'python_env' as const, file },
    };
    const environment = createDockerEnvironment(optionsOf(changes), contextOf());
    const before = await environment.inspect();
    expect(before).toMatchObject({
      manager: 'docker',
      state: 'missing',
      location: expect.stringMatching(/^mlts-project:[0-9a-f]{16}$/),
      python: '3.11',
      warnings: [],
    });
    images.push(before.location ?? '');
    const script = 'python -c "import six, sys; print(six.__version__, sys.prefix)"';
    const result = await run(script, changes);
    expect(result.stdout).toBe('1.16.0 /opt/mlts\n');
    expect(result.context.said.stderr).toContain('building image');
    expect(await environment.inspect()).toEqual({ ...before, state: 'cached' });
    expect((await run(script, changes)).context.said.stderr).toBe('');
  });

  test('--build-image puts the code into an image named as MLflow names it', async () => {
    await writeFile(join(directory, 'train.py'), 'open("out.txt", "w"); print(__file__)');
    const image = 'mlts-test-churn:1a2b3c4';
    images.push(image);
    const changes = { buildImage: true, commit: '1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b' };
    const result = await run('python train.py', changes);
    expect(result.stdout).toBe('/mlflow/projects/code/train.py\n');
    expect(result.outcome.exitCode).toBe(0);
    expect(result.prepared.tags).toContainEqual({ key: 'mlflow.docker.image.uri', value: image });
    await expect(readFile(join(directory, 'out.txt'))).rejects.toThrow('ENOENT');
  });

  test('a plan needs no daemon', async () => {
    const context = contextOf({ DOCKER_HOST: `unix://${folder}/none.sock` });
    expect(await createDockerEnvironment(optionsOf(), context).inspect()).toMatchObject({
      state: 'missing',
      location: BASE_IMAGE,
      warnings: [expect.stringContaining('no Docker daemon answers')],
    });
  });
});

test('what is missing for docker_env is told before a daemon is asked', () => {
  const context = createTestContext({ env: { DOCKER_HOST: 'unix:///nowhere' } });
  const options: DockerOptions = {
    project: undefined,
    directory: '/project',
    commit: undefined,
    docker: { image: 'image', volumes: [], environment: ['ONE', 'TWO'] },
    source: { directory: '/project', kind: 'none', file: undefined },
    buildImage: false,
    dockerArguments: new Map(),
    variables: {},
  };
  expect(() => createDockerEnvironment(options, context)).toThrow('`ONE`, `TWO`');
});
