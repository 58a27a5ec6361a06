import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureImage, type ImageWork } from '../../src/images/pull.ts';
import { testCache } from '../setup/cache.ts';
import { createTestContext, type TestContext } from '../setup/context.ts';
import { docker, ensureDocker, whyNoDocker } from '../setup/docker.ts';
import { type RunningRegistry, startRegistry } from '../setup/registry.ts';

const reason = whyNoDocker();
const title = `images come from a real registry${reason ? ` (skipped: ${reason})` : ''}`;

describe.skipIf(reason !== undefined)(title, () => {
  let folder: string;
  let registry: RunningRegistry;
  let connection: ImageWork['docker'];
  let image: string;

  beforeAll(async () => {
    connection = await ensureDocker();
    registry = await startRegistry();
    folder = await mkdtemp(join(testCache, 'pull-'));
    await writeFile(
      join(folder, 'config.json'),
      JSON.stringify({ auths: { [registry.host]: { auth: registry.auth } } }),
    );
    image = `${registry.host}/team/tiny:1`;
    await execa('tar', ['-cf', join(folder, 'tiny.tar'), '-C', folder, 'config.json']);
    await docker('import', join(folder, 'tiny.tar'), image);
    await docker('--config', folder, 'push', image);
    await docker('image', 'rm', image);
  });
  afterAll(async () => {
    await execa('docker', ['image', 'rm', '--force', image], { reject: false });
    await registry.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function createWork(configDirectory: string): ImageWork & { context: TestContext } {
    const context = createTestContext({ env: { ...process.env, DOCKER_CONFIG: configDirectory } });
    return { docker: connection, context, signal: context.interrupts.signal, platform: undefined };
  }

  test('without the password it is refused, and the mend named', async () => {
    await expect(ensureImage(image, createWork(join(folder, 'none')))).rejects.toMatchObject({
      message: expect.stringContaining(`does not give us image ${image}`),
      hint: expect.stringContaining('docker login'),
    });
  });

  test('a tag that does not exist is told', async () => {
    await expect(ensureImage(image.replace(':1', ':2'), createWork(folder))).rejects.toThrow(
      /there is no image .*tiny:2: manifest/,
    );
  });

  test('it is pulled once, with the password of docker login', async () => {
    const first = createWork(folder);
    const { id } = await ensureImage(image, first);
    expect(id).toBe(await docker('image', 'inspect', '--format', '{{.Id}}', image));
    expect(first.context.said.stderr).toBe(`pulling image ${image}\n`);
    const second = createWork(folder);
    expect(await ensureImage(image, second)).toEqual({ id });
    expect(second.context.said.stderr).toBe('');
  });

  test('an interrupt stops before the pull', async () => {
    const work = createWork(folder);
    work.context.interrupt('SIGTERM');
    await expect(ensureImage(`${registry.host}/other:1`, work)).rejects.toThrow('SIGTERM');
  });
});
