import { readFile, truncate } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Unavailable } from '../../../src/core/errors.ts';
import { listNames } from '../../../src/host/folders.ts';
import { Interrupted } from '../../../src/host/interrupts.ts';
import { fetchProjectSource } from '../../../src/projects/sources/fetch.ts';
import { createTestContext } from '../../setup/context.ts';
import { createGitWorld, type GitWorld } from '../../setup/git.ts';
import { askPython } from '../../setup/mlflow.ts';
import { writeZip } from '../../setup/zip.ts';

let world: GitWorld;
let server: Server;
let origin: string;
const AUTHORIZATION = `Basic ${Buffer.from('u:p').toString('base64')}`;

const openContext = () =>
  createTestContext({
    cwd: world.root,
    env: { ...world.env, MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0' },
  });
const open = (uri: string, version?: string) => fetchProjectSource(uri, { version }, openContext());
const read = (directory: string) => readFile(join(directory, 'MLproject'), 'utf8');

beforeAll(async () => {
  world = await createGitWorld();
  const members = ['MLproject', 'sub/MLproject'].map((name) => ({ name, text: `name: ${name}\n` }));
  await world.commit('repo', { a: '' });
  for (const name of ['good.zip', 'cut.zip', 'repo/good.zip']) {
    await writeZip(join(world.root, name), members);
  }
  await truncate(join(world.root, 'cut.zip'), 150);
  await writeZip(join(world.root, 'evil.zip'), [{ name: '../evil' }]);
  server = createServer(async (request, response) => {
    const body = await readFile(join(world.root, 'good.zip'));
    const { pathname } = new URL(request.url ?? '', 'http://localhost');
    if (pathname === '/stall.zip') response.write(body.subarray(0, 50));
    else if (pathname === '/broken.zip') {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 50), () => response.destroy());
    } else if (pathname === '/huge.zip') {
      response.writeHead(200, { 'content-length': 1e13 }).flushHeaders();
    } else if (pathname === '/private.zip' && request.headers.authorization !== AUTHORIZATION) {
      response.writeHead(401).end();
    } else if (pathname === '/moved.zip') {
      response.writeHead(302, { location: '/good.zip' }).end();
    } else if (pathname === '/missing.zip') response.writeHead(404).end();
    else response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await world.remove();
});

describe('an archive', () => {
  it.each(['good.zip', './repo/../good.zip'])(
    'is unpacked and removed again: `%s`',
    async (uri) => {
      const source = await open(uri);
      expect(await read(source.directory)).toBe('name: MLproject\n');
      expect(source).toMatchObject({ commit: undefined, isDirty: false, repositoryUrl: undefined });
      await source[Symbol.asyncDispose]();
      expect(await listNames(join(world.root, 'tmp'))).toEqual([]);
    },
  );

  it('is named as MLflow names it', async () => {
    const uris = ['good.zip', 'repo/good.zip', 'good.zip#sub', `${origin}/good.zip#sub`];
    const script = `
import json, sys
from mlflow.projects import utils
from mlflow.tracking._tracking_service.utils import _get_git_url_if_present
names = []
for uri in json.loads(sys.argv[1]):
    name = utils._expand_uri(uri)
    names.append(_get_git_url_if_present(name) if utils._is_local_uri(uri) else name)
print(json.dumps(names))
`;
    const names = [];
    for (const uri of uris) {
      await using source = await open(uri);
      names.push(source.name);
    }
    const { root, env } = world;
    expect(names).toEqual(await askPython(script, [JSON.stringify(uris)], { cwd: root, env }));
  });

  it('may come from a file URL and have a subdirectory', async () => {
    await using source = await open(`file://${world.root}/good.zip#sub`);
    expect(await read(source.directory)).toBe('name: sub/MLproject\n');
  });

  it.each(['good.zip', 'good.zip?X-Signature=secret', 'moved.zip'])(
    'is downloaded: `%s`',
    async (path) => {
      const context = openContext();
      await using source = await fetchProjectSource(`${origin}/${path}`, {}, context);
      expect(await read(source.directory)).toBe('name: MLproject\n');
      expect(source.name + context.said.stderr).not.toContain('secret');
    },
  );

  it('is downloaded with the credentials of the URL, which are not shown', async () => {
    const context = openContext();
    const uri = `${origin.replace('//', '//u:p@')}/private.zip`;
    await using source = await fetchProjectSource(uri, {}, context);
    expect([source.name, context.said.stderr]).toEqual([
      `${origin}/private.zip`,
      `downloading ${origin}/private.zip\n`,
    ]);
  });

  it.each([
    ['cut.zip', /cannot use the archive .*cut.zip: not a whole zip archive/],
    ['evil.zip', /cannot use the archive .*evil.zip: .*relative path: \.\.\/evil/],
    ['good.zip#nope', /no folder `nope`/],
    ['nowhere.zip', /no project at `nowhere.zip`/],
    ['/missing.zip', /answered 404/],
    ['/private.zip', /answered 401/],
    ['/huge.zip', /is larger than 4000 MB/],
    ['/broken.zip', /broke off after \d+ bytes/],
  ])('that cannot be used is told, and nothing stays: `%s`', async (uri, message) => {
    await expect(open(uri.startsWith('/') ? origin + uri : uri)).rejects.toThrow(message);
    expect(await listNames(join(world.root, 'tmp'))).toEqual([]);
  });

  it('that cannot be reached is no bad input', async () => {
    await expect(open(`${origin}/broken.zip`)).rejects.toMatchObject({
      code: new Unavailable('').code,
    });
  });

  it('has no versions', async () => {
    await expect(open('good.zip', 'v1')).rejects.toThrow(/an archive has no versions/);
  });

  it('leaves nothing when the download is interrupted', async () => {
    const context = openContext();
    const fetching = fetchProjectSource(`${origin}/stall.zip`, {}, context);
    const ended = expect(fetching).rejects.toBeInstanceOf(Interrupted);
    await new Promise((resolve) => server.once('request', resolve));
    context.interrupt();
    await ended;
    expect(await listNames(join(world.root, 'tmp'))).toEqual([]);
  });
});
