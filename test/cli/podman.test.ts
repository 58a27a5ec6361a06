import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BASE_IMAGE, whyNoDocker } from '../setup/docker.ts';
import { type RunningPodman, startPodman } from '../setup/podman.ts';
import { createRig } from './rig.ts';
import { readOnlyRun } from './store.ts';
import { createImageRig, tinyModel } from './tiny-model.ts';

const reason = whyNoDocker();

describe.skipIf(reason !== undefined)(
  `Podman's socket in place of Docker's${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 300_000 },
  () => {
    let podman: RunningPodman;
    let env: Record<string, string>;
    beforeAll(async () => {
      podman = await startPodman();
      env = { DOCKER_HOST: podman.host };
    });
    afterAll(() => podman?.[Symbol.asyncDispose]());

    const build = (...args: readonly string[]) => [
      ...['models', 'build-docker', '-m', 'model', '--base-image', BASE_IMAGE],
      ...['--env-manager', 'virtualenv', ...args],
    ];

    test('a project runs in a container and ends with its exit code', async () => {
      await using rig = createRig();
      await rig.write({
        'p/MLproject': `docker_env: {image: "${BASE_IMAGE}"}\nentry_points: {main: {command: "pwd; exit 7"}}\n`,
      });
      const ended = await rig.mlts(['run', 'p'], { env });
      expect(ended).toMatchObject({ exitCode: 7, stdout: '/mlflow/projects/code\n' });
      expect(readOnlyRun(rig.path('mlflow.db'))).toMatchObject({ status: 'FAILED' });
      expect(await podman.docker('ps', '--all', '--quiet')).toBe('');
    });

    test('an image is built, with its report; one that cannot be names the step', async () => {
      await using rig = createImageRig();
      await rig.write(tinyModel(['six==1.16.0']));
      const built = await rig.mlts(build('-n', 'podman-built', '-o', 'json'), { env });
      expect(built, built.stderr).toMatchObject({ exitCode: 0 });
      expect(JSON.parse(built.stdout)).toMatchObject({
        image: 'podman-built',
        packages: [{ name: 'six', version: '1.16.0' }],
      });
      const python = ['--entrypoint', '/opt/venv/bin/python', 'podman-built'];
      const said = await podman.docker(
        'run',
        '--rm',
        ...python,
        '-c',
        'import six; print(six.__version__)',
      );
      expect(said).toBe('1.16.0');
      await rig.write(tinyModel(['six==99.0']));
      const failed = await rig.mlts(build('-n', 'podman-failed'), { env });
      expect(failed).toMatchObject({ exitCode: 1, stdout: '' });
      expect(failed.stderr).toMatch(
        /^error: building image \S+ failed at `RUN .*install\.sh`: .+\nhint: /m,
      );
      expect(await podman.docker('images', '--quiet', 'podman-failed')).toBe('');
    });
  },
);
