import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { BASE_IMAGE, docker, ensureDocker, whyNoDocker } from '../setup/docker.ts';
import { createRig } from './rig.ts';
import { readOnlyRun } from './store.ts';

const reason = whyNoDocker();
const env = { MLTS_DOCKER_BASE_IMAGE: BASE_IMAGE };

describe.skipIf(reason !== undefined)(
  `mlts run in a container${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    beforeAll(async () => {
      await ensureDocker();
    });

    test('real MLflow inside logs into the SQLite store outside', {
      timeout: 600_000,
    }, async () => {
      await using rig = createRig();
      await rig.write({
        'p/MLproject':
          'name: inside\npython_env: python_env.yaml\nentry_points:\n  main:\n    parameters: {data: path}\n    command: "python log.py {data}"\n',
        'p/python_env.yaml': 'dependencies: [mlflow-skinny==3.17.2]\n',
        'p/log.py': `import os, sys
import mlflow
with mlflow.start_run() as run:
    mlflow.log_metric("rows", len(open(sys.argv[1]).readlines()))
    mlflow.log_text("from inside", "note.txt")
print("in a container:", os.path.exists("/.dockerenv"))
`,
        'data.csv': 'a\n1\n2\n',
      });
      const ended = await rig.mlts(['run', 'p', '--env-manager', 'docker', '-P', 'data=data.csv'], {
        env,
      });
      expect(ended.stderr).toMatch(/^ +rows +3$/m);
      expect(ended).toMatchObject({ exitCode: 0, stdout: 'in a container: True\n' });
      const run = readOnlyRun(rig.path('mlflow.db'));
      expect(run.status).toBe('FINISHED');
      expect(run.tags['mlflow.project.env']).toBe('docker');
      expect(run.tags['mlflow.docker.image.uri']).toMatch(/^mlts-project:/);
      const note = await stat(rig.path('mlruns/0', run.id, 'artifacts/note.txt'));
      expect(note.uid).toBe(process.getuid?.());
      await docker('image', 'rm', '--force', run.tags['mlflow.docker.image.uri'] ?? '');
    });

    test('a docker_env runs with its volumes and variables, and fails with its own exit code', async () => {
      await using rig = createRig();
      await rig.write({
        'p/MLproject': `name: contained
docker_env:
  image: ${BASE_IMAGE}
  volumes: ["${rig.path('given')}:/given:ro"]
  environment: [[FIXED, "x y"], COPIED_SECRET]
entry_points:
  main: {command: "cat /given/file; echo $FIXED $COPIED_SECRET > seen; exit 9"}
`,
        'given/file': 'from the volume\n',
      });
      const ended = await rig.mlts(['run', 'p'], { env: { COPIED_SECRET: 'hush-hush' } });
      expect(ended).toMatchObject({ exitCode: 9, stdout: 'from the volume\n' });
      expect(ended.stderr).not.toContain('hush-hush');
      expect((await stat(rig.path('p/seen'))).size).toBe('x y hush-hush\n'.length);
      expect(readOnlyRun(rig.path('mlflow.db')).status).toBe('FAILED');
    });

    test('Ctrl-C stops the container and removes it', async () => {
      await using rig = createRig();
      await rig.write({
        'p/MLproject': `docker_env: {image: ${BASE_IMAGE}}\nentry_points: {main: {command: "touch started; sleep 600"}}\n`,
      });
      const label = `test=${rig.directory}`;
      const child = rig.start(['run', 'p', '-A', `label=${label}`]);
      while ((await stat(rig.path('p/started')).catch(() => undefined)) === undefined)
        await sleep(50);
      child.kill('SIGINT');
      expect((await child.ended).exitCode).toBe(130);
      expect(await docker('ps', '--all', '--quiet', '--filter', `label=${label}`)).toBe('');
      expect(readOnlyRun(rig.path('mlflow.db')).status).toBe('KILLED');
    });

    test('no daemon: one line with the mend, and the run is FAILED', async () => {
      await using rig = createRig();
      await rig.write({
        'p/MLproject': `docker_env: {image: ${BASE_IMAGE}}\nentry_points: {main: {command: "true"}}\n`,
      });
      const ended = await rig.mlts(['run', 'p'], {
        env: { DOCKER_HOST: `unix://${rig.path('nobody.sock')}` },
      });
      expect(ended.exitCode).toBe(1);
      expect(ended.stderr).toMatch(/^error: .*nobody\.sock/m);
      expect(ended.stderr).toMatch(/^hint: /m);
      expect(readOnlyRun(rig.path('mlflow.db')).status).toBe('FAILED');
    });
  },
);
