import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findDockerEndpoints } from '../../../src/host/docker/endpoint.ts';
import { testCache } from '../../setup/cache.ts';

describe('where Docker is looked for', () => {
  let home: string;
  const meta = (name: string) =>
    `.docker/contexts/meta/${createHash('sha256').update(name).digest('hex')}/meta.json`;
  const find = async (env: Record<string, string> = {}) =>
    (await findDockerEndpoints({ HOME: home, ...env })).map(({ address }) => address);

  async function write(name: string, content: unknown): Promise<void> {
    const path = join(home, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  }

  beforeEach(async () => {
    home = await mkdtemp(join(testCache, 'home-'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  test.each([
    ['unix:///tmp/a.sock', 'unix:///tmp/a.sock'],
    ['/tmp/a.sock', 'unix:///tmp/a.sock'],
    ['builder:2375', 'tcp://builder:2375'],
    ['ssh://me@builder', 'ssh://me@builder'],
  ])('DOCKER_HOST=%s is %s, whatever the context', async (host, address) => {
    await write('.docker/config.json', { currentContext: 'other' });
    expect(await find({ DOCKER_HOST: host })).toEqual([address]);
  });

  test('an address that is none is refused', async () => {
    await expect(find({ DOCKER_HOST: 'ftp://x' })).rejects.toThrow('`ftp://x` is not the address');
  });

  test('the current context counts, DOCKER_CONTEXT before it', async () => {
    await write('.docker/config.json', { currentContext: 'one' });
    await write(meta('one'), { Name: 'one', Endpoints: { docker: { Host: 'tcp://one:2376' } } });
    await write(meta('two'), { Name: 'two', Endpoints: { docker: { Host: 'unix:///two' } } });
    expect(await find()).toEqual(['tcp://one:2376']);
    expect(await find({ DOCKER_CONTEXT: 'two' })).toEqual(['unix:///two']);
  });

  test('a context that is not JSON is named', async () => {
    await write(meta('one'), '{');
    await expect(find({ DOCKER_CONTEXT: 'one' })).rejects.toThrow(/meta\.json are not JSON$/);
  });

  test('a context that is gone is named', async () => {
    await expect(find({ DOCKER_CONTEXT: 'gone' })).rejects.toThrow('context `gone` does not exist');
  });

  test('sockets of rootless Docker and podman are found', async () => {
    await write('run/docker.sock', '');
    await write('run/podman/podman.sock', '');
    const found = await find({ XDG_RUNTIME_DIR: join(home, 'run') });
    const ours = found.filter((address) => address.includes(home));
    expect(ours).toEqual([
      `unix://${home}/run/docker.sock`,
      `unix://${home}/run/podman/podman.sock`,
    ]);
  });

  test('certificates are read for DOCKER_TLS_VERIFY', async () => {
    for (const name of ['ca', 'cert', 'key']) await write(`certs/${name}.pem`, `${name} text`);
    const env = { HOME: home, DOCKER_HOST: 'tcp://b:1', DOCKER_CERT_PATH: join(home, 'certs') };
    const [endpoint] = await findDockerEndpoints({ ...env, DOCKER_TLS_VERIFY: '1' });
    expect(endpoint?.tls).toEqual({ ca: 'ca text', cert: 'cert text', key: 'key text' });
    expect((await findDockerEndpoints(env))[0]?.tls).toBeUndefined();
  });

  test('settings that are not JSON are named', async () => {
    await write('.docker/config.json', '{');
    await expect(find()).rejects.toThrow(`${home}/.docker/config.json are not JSON`);
  });
});
