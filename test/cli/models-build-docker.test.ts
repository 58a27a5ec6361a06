import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startContainerRegistry, whyNoRegistry } from '../setup/container-registry.ts';
import { BASE_IMAGE, docker, ensureDocker, whyNoDocker } from '../setup/docker.ts';
import { startSmallDaemon } from '../setup/small-daemon.ts';
import { bin, type Rig } from './rig.ts';
import { addSourcePackage, createImageRig, tinyModel } from './tiny-model.ts';

const reason = whyNoDocker();
const noRegistry = await whyNoRegistry();
/** `virtualenv` installs what the model asks for, without MLflow. */
const ASKED_ONLY = ['--env-manager', 'virtualenv'];
const BUILD = ['models', 'build-docker', '-m', 'model', '--base-image', BASE_IMAGE, ...ASKED_ONLY];
const CLASSIC = { DOCKER_BUILDKIT: '0' };
const BUILDKIT = { DOCKER_BUILDKIT: '1' };

interface Report {
  readonly image: string;
  readonly tags: readonly string[];
  readonly digest: string;
  readonly context_digest: string;
  readonly pushed: readonly string[];
  readonly size: number;
  readonly seconds: number;
  readonly layers: readonly { readonly instruction: string; readonly size: number }[];
  readonly packages: readonly { readonly name: string; readonly version: string }[];
}

/** Models that are installed and never loaded: what is built, not what it answers, is the matter here. */
describe.skipIf(reason !== undefined)(
  `mlts models build-docker${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 600_000 },
  () => {
    const names: string[] = [];
    let count = 0;
    const newName = (): string => {
      count += 1;
      names.push(`mlts-test-image:${process.pid}-${count}`);
      return names.at(-1) ?? '';
    };
    /** A line that gives each test a shared image of its own, so that it can look at what is left of it. */
    const unique = (): string => `six!=0.${process.pid}.${count}.${Date.now()}`;

    const listImages = async (...filters: readonly string[]): Promise<readonly string[]> => {
      const asked = ['label=mlts.stage', ...filters].flatMap((filter) => ['--filter', filter]);
      const ids = await docker('images', '--quiet', '--no-trunc', ...asked);
      return ids.split('\n').filter((id) => id !== '');
    };
    const listDangling = () => listImages('dangling=true');
    let before: readonly string[] = [];
    /** What has lost its name before the test: it goes an hour later. */
    let danglingBefore: readonly string[] = [];
    beforeAll(async () => {
      await ensureDocker();
      before = await listImages();
    });
    beforeEach(async () => {
      danglingBefore = await listDangling();
    });
    afterAll(async () => {
      const made = (await listImages()).filter((id) => !before.includes(id));
      await execa('docker', ['image', 'rm', '--force', ...names, ...made], { reject: false });
    });

    const build = (rig: Rig, args: readonly string[], env: Readonly<Record<string, string>>) =>
      rig.mlts([...BUILD, ...args], { env });
    const listContainers = () => docker('ps', '--all', '--quiet', '--filter', 'label=mlts.stage');
    const expectNothingLeft = async (name: string) => {
      expect(await listDangling()).toEqual(danglingBefore);
      await vi.waitUntil(async () => (await listContainers()) === '', 30_000);
      expect(await docker('images', '--quiet', name)).toBe('');
    };

    test('the classic builder: report, labels, a user who is not root, two names, a list of what is in it', async () => {
      await using rig = createImageRig();
      const [name, other] = [newName(), newName()];
      await rig.write(tinyModel([unique(), 'six==1.16.0']));
      const args = ['-n', name, '--tag', other, '-o', 'json', '--sbom', 'bom.json'];
      const platform = ['--platform', `linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`];
      const ended = await build(rig, [...args, ...platform], CLASSIC);
      expect(ended).toMatchObject({ exitCode: 0 });
      const report = JSON.parse(ended.stdout) as Report;
      const [inspected] = JSON.parse(await docker('inspect', other));
      expect(report).toMatchObject({ image: name, tags: [name, other], digest: inspected.Id });
      expect(report.size).toBe(inspected.Size);
      expect(report.layers[0]?.instruction).toMatch(/^COPY .* \/opt\/ml\/model\/ ?$/);
      expect(report.packages).toEqual([
        expect.objectContaining({ name: 'six', version: '1.16.0' }),
      ]);
      expect(inspected.Config).toMatchObject({
        User: '10001:0',
        StopSignal: 'SIGTERM',
        ExposedPorts: { '8080/tcp': {} },
        Healthcheck: { Test: expect.arrayContaining(['CMD']) },
        Labels: {
          'mlflow.model.id': 'm-0123456789abcdef',
          'mlflow.run.id': '0123456789abcdef0123456789abcdef',
          'mlts.context': report.context_digest,
        },
      });
      const bom = JSON.parse(await readFile(rig.path('bom.json'), 'utf8'));
      expect(bom).toMatchObject({
        bomFormat: 'CycloneDX',
        components: [{ name: 'six', version: '1.16.0', purl: 'pkg:pypi/six@1.16.0' }],
      });
      expect(await listDangling()).toEqual(danglingBefore);
      const inside = await docker(
        'run',
        '--rm',
        '--entrypoint',
        'sh',
        name,
        '-c',
        'id -u; ls /tmp; which uv gcc || true',
      );
      expect(inside).toBe('10001');
    });

    test('a model that has changed: only its own layer is made again; the same model is the same image, unless --no-cache', async () => {
      await using rig = createImageRig();
      const name = newName();
      await rig.write(tinyModel([unique(), 'six==1.16.0']));
      const run = async (...args: readonly string[]) => {
        const ended = await build(rig, ['-n', name, '-o', 'json', ...args], CLASSIC);
        expect(ended).toMatchObject({ exitCode: 0 });
        return { report: JSON.parse(ended.stdout) as Report, said: ended.stderr };
      };
      const first = await run();
      expect(first.said).toContain('install.sh');
      const same = await run();
      expect(same.report.digest).toBe(first.report.digest);
      await rig.write({ 'model/weights.bin': 'other weights\n' });
      const changed = await run();
      expect(changed.said).not.toContain('install.sh');
      expect(changed.report.digest).not.toBe(first.report.digest);
      expect(changed.report.context_digest).not.toBe(first.report.context_digest);
      expect(changed.report.layers.slice(1)).toEqual(first.report.layers.slice(1));
      expect((await run('--no-cache')).said).toContain('install.sh');
      expect(
        await docker('run', '--rm', '--entrypoint', 'cat', name, '/opt/ml/model/weights.bin'),
      ).toBe('other weights');
    });

    test('BuildKit: secrets and arguments reach what is installed, and no layer', async () => {
      await using rig = createImageRig();
      const name = newName();
      await rig.write({ ...tinyModel([]), 'secret.txt': 'hunter2-in-a-file' });
      const line = await addSourcePackage(
        rig,
        `import os
assert open("/run/secrets/probe").read() == "hunter2-in-a-file"
assert os.environ["PROBE"] == "an argument"`,
      );
      await rig.write({ 'model/requirements.txt': `${unique()}\n${line}\n` });
      const secret = ['--secret', 'id=probe,src=secret.txt', '--build-arg', 'PROBE=an argument'];
      const ended = await build(rig, ['-n', name, ...secret, '-o', 'json'], BUILDKIT);
      expect(ended).toMatchObject({ exitCode: 0 });
      expect((JSON.parse(ended.stdout) as Report).packages.map((one) => one.name)).toContain(
        'probe',
      );
      expect(ended.stderr).toMatch(/^RUN .*install\.sh/m);
      const seen = (await docker('history', '--no-trunc', name)) + (await docker('inspect', name));
      expect(seen + ended.stderr).not.toContain('hunter2');
    });

    test('what cannot be installed: the step is named, with the installer’s words, and nothing is left', async () => {
      const nowhere = ['--pip-index-url', 'http://127.0.0.1:9/simple'];
      const cases = [
        [CLASSIC, [], 'mlts-no-such-package==9.9.9'],
        [{ ...BUILDKIT, PIP_RETRIES: '0' }, nowhere, 'six==1.16.0'],
      ] as const;
      for (const [env, args, line] of cases) {
        await using rig = createImageRig();
        const name = newName();
        await rig.write(tinyModel([unique(), line]));
        const ended = await build(rig, ['-n', name, ...args], env);
        expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
        expect(ended.stderr).toMatch(/^error: building image .* failed at `RUN .*install\.sh/m);
        expect(ended.stderr).toMatch(/mlts-no-such-package|six/);
        await expectNothingLeft(name);
      }
    });

    test.each([
      ['the classic builder', CLASSIC],
      ['BuildKit', BUILDKIT],
    ])('Ctrl-C ends %s, and nothing is left', async (_title, env) => {
      await using rig = createImageRig();
      const name = newName();
      await rig.write(tinyModel([]));
      // Nothing else on this machine sleeps for so long.
      const seconds = String(Date.now());
      const sleep = `import os; os.execvp("sleep", ["sleep", "${seconds}"])`;
      const line = await addSourcePackage(rig, sleep);
      await rig.write({ 'model/requirements.txt': `${unique()}\n${line}\n` });
      const started = rig.start([...BUILD, '-n', name], { env });
      await vi.waitUntil(() => isRunning(`sleep ${seconds}`), { timeout: 120_000, interval: 200 });
      started.kill('SIGINT');
      const ended = await started.ended;
      expect(ended).toMatchObject({ exitCode: 130 });
      await expectNothingLeft(name);
      const isGone = async () => !(await isRunning(`sleep ${seconds}`));
      await vi.waitUntil(isGone, { timeout: 60_000, interval: 200 });
    });

    test('wheels of one’s own, without any index; a folder without wheels is refused', async () => {
      await using rig = createImageRig();
      const name = newName();
      await rig.write(tinyModel([unique(), 'six']));
      await mkdir(rig.path('wheels'));
      await writeFile(rig.path('wheels/readme'), '');
      const refused = await build(rig, ['-n', name, '--wheelhouse', 'wheels'], CLASSIC);
      expect(refused).toMatchObject({ exitCode: 1 });
      expect(refused.stderr).toMatch(/^error: .*wheels holds no wheels\nhint: /);
      await execa('python3', [
        '-m',
        'pip',
        'download',
        '--quiet',
        '--no-deps',
        '-d',
        rig.path('wheels'),
        'six==1.15.0',
      ]);
      const wheels = ['--wheelhouse', 'wheels', '--pip-index-url', 'http://127.0.0.1:9/simple'];
      const ended = await build(rig, ['-n', name, '-o', 'json', ...wheels], CLASSIC);
      expect(ended).toMatchObject({ exitCode: 0 });
      const [six] = (JSON.parse(ended.stdout) as Report).packages;
      expect(six).toMatchObject({ name: 'six', version: '1.15.0' });
    });

    test('a folder that generate-dockerfile wrote is built by Docker itself', async () => {
      await using rig = createImageRig();
      const name = newName();
      await rig.write(tinyModel(['six==1.16.0']));
      const generate = ['models', 'generate-dockerfile', '-m', 'model', '-d', 'out', ...ASKED_ONLY];
      await rig.mlts([...generate, '--base-image', BASE_IMAGE]);
      await execa('docker', ['build', '--tag', name, rig.path('out')], { env: CLASSIC });
      const script =
        'cat /opt/ml/model/weights.bin; python -c "import six; print(six.__version__)"; /opt/mlts/bin/mlts.cjs --version';
      const inside = await docker('run', '--rm', '--entrypoint', 'sh', name, '-c', script);
      expect(inside).toMatch(/^weights\n1\.16\.0\n.*\d+\.\d+\.\d+/);
    });

    test.skipIf(noRegistry !== undefined)(
      `a registry that asks for a password: refused, then pushed${noRegistry ? ` (skipped: ${noRegistry})` : ''}`,
      async () => {
        await using registry = await startContainerRegistry();
        await using rig = createImageRig();
        const [name, other] = [
          `${registry.host}/team/model:1`,
          `${registry.host}/team/model:latest`,
        ];
        names.push(name, other);
        await rig.write(tinyModel([unique(), 'six==1.16.0']));
        const refused = await build(rig, ['-n', name, '--tag', other, '--push'], CLASSIC);
        expect(refused).toMatchObject({ exitCode: 1 });
        expect(refused.stderr).toMatch(
          /^error: image .* is built, but the registry does not take it: .*\nhint: `docker login`/m,
        );
        expect(await registry.listTags('team/model')).toEqual([]);
        const env = { ...CLASSIC, DOCKER_CONFIG: registry.loggedIn };
        const pushed = await build(rig, ['-n', name, '--tag', other, '--push', '-o', 'json'], env);
        expect(pushed).toMatchObject({ exitCode: 0 });
        const { pushed: digests } = JSON.parse(pushed.stdout) as Report;
        expect(digests).toEqual([expect.stringMatching(/\/team\/model@sha256:[0-9a-f]{64}$/)]);
        expect((await registry.listTags('team/model')).toSorted()).toEqual(['1', 'latest']);
        expect(pushed.stderr).not.toContain('registry-password');
      },
    );

    test('a daemon whose disk is full, and one that we may not use', async () => {
      await using rig = createImageRig();
      await rig.write({ ...tinyModel(['six']), 'empty/none': '' });
      await using daemon = await startSmallDaemon(60_000);
      await daemon.docker('import', await packFolder(rig.path('empty')), 'empty:1');
      const env = { ...CLASSIC, DOCKER_HOST: daemon.host };
      const full = await build(rig, ['-n', 'full:1', '--base-image', 'empty:1'], env);
      expect(full).toMatchObject({ exitCode: 1, stdout: '' });
      expect(full.stderr).toMatch(/^error: .*disk is full.*\nhint: .*docker system prune/m);
      expect(await daemon.docker('images', '--quiet', 'full')).toBe('');
      await chown(daemon.socket, 65_534, 65_534);
      const drop = ['--bounding-set', '-dac_override,-dac_read_search'];
      const refused = await execa('setpriv', [...drop, bin, ...BUILD, '-n', 'refused:1'], {
        cwd: rig.directory,
        env: { ...rig.env, ...env },
        extendEnv: false,
        reject: false,
      });
      expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
      expect(refused.stderr).toMatch(/^error: no permission to use Docker at .*\nhint: .*usermod/);
    });

    test('what is wrong is told in one line', async () => {
      await using rig = createImageRig();
      await rig.write({ ...tinyModel(['six']), 'other/MLmodel': 'flavors: {spark: {}}\n' });
      const name = newName();
      const nowhere = { DOCKER_HOST: `unix://${rig.path('none.sock')}` };
      const cases = [
        [[], nowhere, 1, 'no Docker daemon answers'],
        [
          ['--base-image', '127.0.0.1:9/none:1'],
          CLASSIC,
          1,
          '127.0.0.1:9/none:1 is not on this machine',
        ],
        [['-m', 'other'], CLASSIC, 1, 'no `python_function` flavor, only: spark'],
        [['--build-arg', 'UNSET_HERE'], CLASSIC, 2, '--build-arg takes NAME=value'],
        [['--secret', 'id=x'], CLASSIC, 2, '--secret takes id=ID,src=FILE'],
        [['--secret', 'id=x,src=none'], CLASSIC, 1, 'none'],
        [['--secret', 'id=x,src=model/MLmodel'], CLASSIC, 2, '--secret needs BuildKit'],
        [['--wheelhouse', 'other'], CLASSIC, 1, 'other holds no wheels'],
        [['--mlflow-home', 'none'], CLASSIC, 1, 'none is no folder with MLflow'],
        [['-m', 'models:/none/1'], CLASSIC, 1, '`none`'],
      ] as const;
      for (const [args, env, exitCode, message] of cases) {
        const ended = await build(rig, ['-n', name, ...args], env);
        expect(ended).toMatchObject({ exitCode, stdout: '' });
        expect(ended.stderr).toContain(message);
        expect(ended.stderr.match(/^error: /gm)).toHaveLength(1);
      }
      await expectNothingLeft(name);
    });
  },
);

/** On the whole machine: what containers run is among it. */
async function isRunning(command: string): Promise<boolean> {
  const { exitCode } = await execa('pgrep', ['-f', '-x', command], { reject: false });
  return exitCode === 0;
}

async function packFolder(folder: string): Promise<string> {
  await execa('tar', ['cf', `${folder}.tar`, '-C', folder, '.']);
  return `${folder}.tar`;
}
