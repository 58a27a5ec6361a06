import { chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Ended, Rig } from '../cli/rig.ts';
import { createImageRig } from '../cli/tiny-model.ts';
import { type Answer, invoke } from '../serving/scoring-server.ts';
import { makeCertificate } from '../setup/certificate.ts';
import { BASE_IMAGE, docker, ensureDocker, whyNoDocker } from '../setup/docker.ts';
import { askPython, type RunningServer } from '../setup/mlflow.ts';
import { ensureModels, SAME_SETS, startMlflowScoring } from '../setup/models.ts';

/** A container of ours and MLflow's scoring server are asked the same about a scikit-learn model. */
const reason = whyNoDocker();
const COLUMNS = Array.from({ length: 20 }, (_, index) => `f${index}`);
const ROW = COLUMNS.map((_, index) => index / 7 - 1);
const csv = [COLUMNS.join(','), ROW.join(','), ROW.map((value) => -value).join(',')].join('\n');
const QUESTIONS: readonly (readonly [body: string, type?: string])[] = [
  [JSON.stringify({ dataframe_split: { columns: COLUMNS, data: [ROW, ROW.toReversed()] } })],
  [
    JSON.stringify({
      dataframe_records: [Object.fromEntries(COLUMNS.map((name, i) => [name, i]))],
    }),
  ],
  [JSON.stringify({ inputs: Object.fromEntries(COLUMNS.map((name, i) => [name, [i / 3]])) })],
  [csv, 'text/csv'],
  [JSON.stringify({ dataframe_split: { columns: COLUMNS.slice(1), data: [ROW.slice(1)] } })],
  [JSON.stringify({ dataframe_split: { columns: COLUMNS, data: [ROW.map(String)] } })],
  ['{"dataframe_split": {}, "instances": []}'],
  ['{'],
  ['a', 'text/plain'],
];

function comparable({ status, type, body }: Answer): Answer {
  return {
    status,
    type,
    body: body.replace(/"stack_trace": "(?:[^"\\]|\\.)*"/, '"stack_trace": ""'),
  };
}

describe.skipIf(reason !== undefined)(
  `the image of a model answers as MLflow does${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 900_000 },
  () => {
    const image = `mlts-test-parity:${process.pid}`;
    const containers: string[] = [];
    /** What the images share is kept by its name, for the next build. */
    const shared: string[] = [];
    const noteShared = (said: string) => shared.push(...(said.match(/mlts-model-base:\w+/g) ?? []));
    let rig: Rig;
    let theirs: RunningServer;
    let built: Ended;

    beforeAll(async () => {
      rig = createImageRig();
      await ensureDocker();
      await copyPinned(rig.path('model'));
      built = await buildProduction();
      theirs = await startMlflowScoring(['numbers']);
    }, 900_000);
    afterAll(async () => {
      const made = [image, `${image}-any`, ...shared];
      await execa('docker', ['rm', '--force', '--volumes', ...containers], { reject: false });
      await execa('docker', ['image', 'rm', '--force', ...made], { reject: false });
      await theirs?.stop();
      await rig?.[Symbol.asyncDispose]();
    });

    async function buildProduction(): Promise<Ended> {
      await rig.mlts(['models', 'register', 'model', '--name', 'X']);
      await rig.mlts(['models', 'promote', 'X', '--version', '1', '--to', 'Production']);
      const args = ['-m', 'models:/X/Production', '-n', image, '--base-image', BASE_IMAGE];
      const ended = await rig.mlts(['models', 'build-docker', ...args]);
      expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
      noteShared(ended.stderr);
      return ended;
    }

    async function start(args: readonly string[]): Promise<{ id: string; address: string }> {
      const ports = ['--publish', '127.0.0.1::8080', '--env', 'MLFLOW_MODELS_WORKERS=1'];
      const id = await docker('run', '--detach', ...ports, ...args);
      containers.push(id);
      return { id, address: await docker('port', id, '8080/tcp') };
    }

    async function waitUntilHealthy(id: string): Promise<void> {
      const health = () => docker('inspect', '--format', '{{.State.Health.Status}}', id);
      const isHealthy = async () => (await health()) === 'healthy';
      await vi.waitUntil(isHealthy, { timeout: 120_000, interval: 500 });
    }

    async function run(args: readonly string[]): Promise<{ id: string; url: string }> {
      const hashes = ['--env', `PYTHONHASHSEED=${SAME_SETS.PYTHONHASHSEED}`];
      const { id, address } = await start([...hashes, ...args]);
      const url = `http://${address}`;
      const isReady = async () => {
        const state = await docker('inspect', '--format', '{{.State.Running}}', id);
        if (state !== 'true')
          throw new Error(`it ended: ${(await execa('docker', ['logs', id], { all: true })).all}`);
        return fetch(`${url}/ping`).then(
          ({ ok }) => ok,
          () => false,
        );
      };
      await vi.waitUntil(isReady, { timeout: 600_000, interval: 200 });
      return { id, url };
    }

    async function expectSameAnswers(url: string): Promise<void> {
      for (const [body, type] of QUESTIONS) {
        const [mine, mlflows] = await Promise.all([
          invoke(url, body, type),
          invoke(`${theirs.uri}/numbers`, body, type),
        ]);
        expect(comparable(mine)).toEqual(comparable(mlflows));
      }
    }

    test('models:/X/Production, built in CI and started as anybody does', async () => {
      expect(built.stdout).toMatch(/scikit-learn \d/);
      const labels = JSON.parse(
        await docker('inspect', '--format', '{{json .Config.Labels}}', image),
      );
      expect(labels).toMatchObject({
        'org.opencontainers.image.title': 'X',
        'org.opencontainers.image.version': '1',
        'mlflow.model.name': 'X',
        'mlflow.model.version': '1',
      });
      const variables = ['DISABLE_NGINX=true', 'GUNICORN_CMD_ARGS=--timeout 30 --access-logfile -'];
      const settings = variables.flatMap((variable) => ['--env', variable]);
      const { id, url } = await run(['--read-only', '--tmpfs', '/tmp', ...settings, image]);
      await expectSameAnswers(url);
      expect(await (await fetch(`${url}/version`)).text()).toBe('3.17.2');
      await waitUntilHealthy(id);
      const workers = (await docker('top', id))
        .split('\n')
        .filter((line) => line.includes('worker.py'));
      expect(workers).toHaveLength(1);
      await docker('stop', '--time', '60', id);
      expect(await docker('inspect', '--format', '{{.State.ExitCode}}', id)).toBe('0');
      const { stdout } = await execa('docker', ['logs', id]);
      expect(stdout).toContain('/invocations');
    });

    test('it is healthy over https too', async () => {
      const folder = rig.path('tls');
      await mkdir(folder, { recursive: true });
      const { key, certificate } = await makeCertificate(folder);
      // The image's user reads it as one of the group of root.
      await chmod(key, 0o640);
      const asked = '--certfile /tls/certificate.pem --keyfile /tls/key.pem';
      const settings = ['--volume', `${folder}:/tls:ro`, '--env', `GUNICORN_CMD_ARGS=${asked}`];
      const { id, address } = await start(['--health-interval=1s', ...settings, image]);
      await waitUntilHealthy(id);
      const version = ['-sf', '--cacert', certificate, `https://${address}/version`];
      expect((await execa('curl', version)).stdout).toBe('3.17.2');
      await expect(fetch(`http://${address}/ping`)).rejects.toThrow();
    });

    test('it is healthy at another address too, also where nothing can be written', async () => {
      const quick = ['--health-interval=1s', '--health-start-period=60s', '--health-retries=2'];
      const elsewhere = ['--host', '127.0.0.1', '--port', '9000'];
      for (const settings of [[], ['--read-only']]) {
        const { id } = await start([...quick, ...settings, image, ...elsewhere]);
        await waitUntilHealthy(id);
        const { all } = await execa('docker', ['logs', id], { all: true });
        expect(all).toContain('serving at http://127.0.0.1:9000');
      }
    });

    test('an image of no model serves the one that it finds at /opt/ml/model', async () => {
      const name = `${image}-any`;
      const args = ['-n', name, '--base-image', BASE_IMAGE, '--env-manager', 'virtualenv'];
      const generic = await rig.mlts(['models', 'build-docker', ...args]);
      expect(generic).toMatchObject({ exitCode: 0 });
      noteShared(generic.stderr);
      const mount = `${rig.path('model')}:/opt/ml/model:ro`;
      const { id, url } = await run(['--volume', mount, name]);
      await expectSameAnswers(url);
      await docker('stop', '--time', '60', id);
      expect(await docker('inspect', '--format', '{{.State.ExitCode}}', id)).toBe('0');
    });
  },
);

/** The model asks for the packages with which MLflow's server beside us answers, and for any Python 3. */
async function copyPinned(folder: string): Promise<void> {
  await cp(join(await ensureModels(), 'numbers'), folder, { recursive: true });
  const names = ['mlflow', 'scikit-learn', 'numpy', 'pandas', 'scipy', 'cloudpickle'];
  const versions = await askPython<readonly string[]>(
    'import json, sys; from importlib.metadata import version; print(json.dumps([version(n) for n in sys.argv[1:]]))',
    names,
  );
  const lines = names.map((name, index) => `${name}==${versions[index]}\n`);
  await writeFile(join(folder, 'requirements.txt'), lines.join(''));
  await writeFile(
    join(folder, 'python_env.yaml'),
    'python: "3"\ndependencies: [-r requirements.txt]\n',
  );
}
