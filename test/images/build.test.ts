import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  buildProjectImage,
  ensureEnvironmentImage,
  nameEnvironmentImage,
} from '../../src/images/build.ts';
import type { EnvironmentRecipe } from '../../src/images/dockerfile.ts';
import { ensureImage, type ImageWork } from '../../src/images/pull.ts';
import { testCache } from '../setup/cache.ts';
import { createTestContext, type TestContext } from '../setup/context.ts';
import { BASE_IMAGE, docker, ensureDocker, whyNoDocker } from '../setup/docker.ts';

const reason = whyNoDocker();
const title = `images are built by a real daemon${reason ? ` (skipped: ${reason})` : ''}`;

describe.skipIf(reason !== undefined)(title, () => {
  let folder: string;
  let connection: ImageWork['docker'];
  const images: string[] = [];

  beforeAll(async () => {
    connection = await ensureDocker();
    folder = await mkdtemp(join(testCache, 'build-'));
  });
  afterAll(async () => {
    if (images.length > 0) await docker('image', 'rm', '--force', ...new Set(images));
    await docker('image', 'prune', '--force', '--filter', 'label=mlts.project');
    await rm(folder, { recursive: true, force: true });
  });

  function createWork(env: Record<string, string> = {}): ImageWork & { context: TestContext } {
    const context = createTestContext({
      env: { ...process.env, MLTS_CACHE_DIR: join(folder, 'cache'), ...env },
    });
    return { docker: connection, context, signal: context.interrupts.signal, platform: undefined };
  }

  async function write(name: string, text: string): Promise<void> {
    const path = join(folder, 'project', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }

  const run = (image: string, script: string) => docker('run', '--rm', image, 'bash', '-c', script);
  /** Untagged images of this recipe's build, layers of a stage included. */
  const listLeft = (recipe: EnvironmentRecipe) => {
    const label = `label=mlts.stage=${nameEnvironmentImage(recipe).split(':')[1]}`;
    return docker('images', '--quiet', '--filter', 'dangling=true', '--filter', label);
  };

  describe('a Python environment', () => {
    // A package without dependencies, and one line that gives this run an image of its own.
    const recipe = () => ({
      baseImage: BASE_IMAGE,
      buildDependencies: [],
      dependencies: [`# ${folder}`, 'six==1.16.0'],
      constraints: ['six<2'],
    });

    test('is built once for all who need it, and leaves nothing else', async () => {
      const index = 'http://me:hunter2-hunter2@127.0.0.1:9/simple';
      const secret = { PIP_EXTRA_INDEX_URL: index, PIP_RETRIES: '0' };
      const works = [createWork(secret), createWork(secret)];
      const [one, other] = await Promise.all(
        works.map((work) => ensureEnvironmentImage(recipe(), work)),
      );
      images.push(one?.name ?? '');
      expect(one).toEqual(other);
      const said = works.map(({ context }) => context.said.stderr);
      expect(said.filter((text) => text.includes('building image'))).toHaveLength(1);
      expect(await run(one?.name ?? '', 'python -c "import six; print(six.__version__)"')).toBe(
        '1.16.0',
      );
      expect(await listLeft(recipe())).toBe('');
      const history = await docker('history', '--no-trunc', one?.name ?? '');
      expect(history + (await docker('inspect', one?.name ?? ''))).not.toContain('hunter2');
      expect(said.join('')).not.toContain('hunter2');
    });

    test('that cannot be built names the step, and leaves nothing', async () => {
      const broken = { ...recipe(), dependencies: ['--no-index', 'mlts-no-such-package'] };
      await expect(ensureEnvironmentImage(broken, createWork())).rejects.toThrow(
        /failed at `RUN .*pip install.* -r requirements.txt/,
      );
      expect(await listLeft(broken)).toBe('');
    });

    test('stops when interrupted, and leaves nothing', async () => {
      const work = createWork();
      // Nothing listens there: pip tries again and again.
      const slow = { ...recipe(), dependencies: ['--index-url=http://127.0.0.1:9', 'a'] };
      const building = ensureEnvironmentImage(slow, work);
      await vi.waitUntil(() => work.context.said.stderr.includes('-r requirements.txt'), 60_000);
      work.context.interrupt('SIGINT');
      await expect(building).rejects.toThrow('interrupted by SIGINT');
      expect(await listLeft(slow)).toBe('');
    });
  });

  describe('a project’s image', () => {
    const tag = `mlts-test-project:${process.pid}`;
    const recipe = { baseImage: BASE_IMAGE, tag, owner: '1234:1235' };

    test('holds the code, less what .dockerignore names, owned by the caller', async () => {
      await write('train.py', 'print(1)\n');
      await write('data/large.csv', 'x');
      await write('data/keep.csv', 'x');
      await write('.git/HEAD', 'x');
      await write('.dockerignore', '# large things\n.git\ndata/*\n!data/keep.csv\n');
      images.push(tag);
      await buildProjectImage(recipe, join(folder, 'project'), createWork());
      const listed = await run(tag, 'pwd; stat -c "%u:%g" . train.py; find . -type f | sort');
      expect(listed.split('\n')).toEqual([
        '/mlflow/projects/code',
        '1234:1235',
        '1234:1235',
        './.dockerignore',
        './data/keep.csv',
        './train.py',
      ]);
    });

    test('follows the code', async () => {
      await write('train.py', 'print(2)\n');
      const { id } = await buildProjectImage(recipe, join(folder, 'project'), createWork());
      images.push(id);
      expect(await run(id, 'cat train.py')).toBe('print(2)');
    });
  });

  test('an image that is nowhere: one line with what can be done', async () => {
    // Nothing listens there, as where a registry cannot be reached.
    await expect(ensureImage('127.0.0.1:9/none:1', createWork())).rejects.toMatchObject({
      message: expect.stringContaining('127.0.0.1:9/none:1 is not on this machine'),
      hint: expect.stringContaining('docker load'),
    });
  });
});
