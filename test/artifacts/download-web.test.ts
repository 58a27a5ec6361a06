import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { downloadArtifact } from '../../src/artifacts/download.ts';
import { resolveRunsTo } from '../setup/artifact-resolver.ts';
import { createTestContext } from '../setup/context.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let answer: Answer;
let base: string;
let folder: string;
let requests: IncomingMessage[];

beforeEach(async () => {
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), 'mlts-web-'));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const resolver = resolveRunsTo('');
const env = { MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0', MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1' };

function download(uri: string, context = createTestContext({ cwd: folder, env })) {
  return downloadArtifact(uri, join(folder, 'to'), context, resolver);
}

const leftovers = () => readdir(join(folder, 'to'));

describe('a plain address', () => {
  test('comes under the name in its path, however the address ends', async () => {
    answer = (_request, response) => response.end('a,b\n');
    const path = await download(`${base}/data/my%20rows.csv?signature=abc#x`);
    expect(path).toBe(join(folder, 'to', 'my rows.csv'));
    expect(await readFile(path, 'utf8')).toBe('a,b\n');
    expect(requests[0]?.url).toBe('/data/my%20rows.csv?signature=abc');
  });

  test.each([
    ['/', 'artifacts'],
    ['/..%2f..%2fetc%2fpasswd', 'passwd'],
    ['/data/%2e%2e%2f', 'artifacts'],
  ])('that ends with %s is called %s', async (path, name) => {
    answer = (_request, response) => response.end('x');
    expect(await download(`${base}${path}`)).toBe(join(folder, 'to', name));
  });

  test('that ends with what no file can be called is refused', async () => {
    await expect(download(`${base}/a%00b`)).rejects.toThrow('no name that a file could have');
  });

  test('is followed where it is redirected', async () => {
    answer = ({ url }, response) =>
      url === '/old.csv'
        ? response.writeHead(302, { location: '/new/place' }).end()
        : response.end('moved');
    expect(await readFile(await download(`${base}/old.csv`), 'utf8')).toBe('moved');
  });

  test('is unpacked where the server compresses unasked', async () => {
    answer = (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('plain'));
    expect(await readFile(await download(`${base}/x.csv`), 'utf8')).toBe('plain');
  });

  test('that holds nothing is an empty file', async () => {
    answer = (_request, response) => response.writeHead(200, { 'content-length': '0' }).end();
    expect((await stat(await download(`${base}/empty.csv`))).size).toBe(0);
  });

  test('that does not exist is told as asked for, its signature left out', async () => {
    answer = (_request, response) => response.writeHead(404).end('nope');
    await expect(download(`${base}/gone.csv?signature=abc`)).rejects.toMatchObject({
      code: 'RESOURCE_DOES_NOT_EXIST',
      message: `${base}/gone.csv does not exist`,
    });
    expect(await leftovers()).toEqual([]);
  });

  test('that wants a password gets the one in the address and not the tracking server’s', async () => {
    answer = ({ headers }, response) =>
      response.writeHead(headers.authorization === undefined ? 401 : 200).end('in');
    const tracking = { MLFLOW_TRACKING_TOKEN: 'tracking-secret' };
    const context = createTestContext({ cwd: folder, env: { ...env, ...tracking } });
    await expect(download(`${base}/x.csv`, context)).rejects.toThrow('wants credentials');
    await download(`${base.replace('//', '//me:pw@')}/x.csv`);
    expect(requests.at(-1)?.headers.authorization).toBe('Basic bWU6cHc=');
  });
});

describe('a connection that breaks', () => {
  const content = randomBytes(300_000);

  /** Sends half of what is asked for and hangs up, until `good` requests have been tried. */
  function breakUntil(attempt: number, headers: Record<string, string>): Answer {
    return ({ headers: asked }, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(asked.range ?? '')?.[1] ?? 0);
      const rest = content.subarray(from);
      const range = `bytes ${from}-${content.length - 1}/${content.length}`;
      response.writeHead(from > 0 ? 206 : 200, {
        'content-length': rest.length,
        ...headers,
        ...(from > 0 ? { 'content-range': range } : {}),
      });
      if (requests.length >= attempt) response.end(rest);
      else response.write(rest.subarray(0, rest.length / 2), () => response.destroy());
    };
  }

  test('goes on from there where the server says that the file is still the same', async () => {
    answer = breakUntil(3, { etag: '"v1"' });
    expect(await readFile(await download(`${base}/big.bin`))).toEqual(content);
    expect(requests.slice(1).map(({ headers }) => headers['if-range'])).toEqual(['"v1"', '"v1"']);
    expect(requests[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  test('starts anew where it does not', async () => {
    answer = breakUntil(3, {});
    expect(await readFile(await download(`${base}/big.bin`))).toEqual(content);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, undefined, undefined]);
  });

  test('starts anew where the file has changed meanwhile', async () => {
    const [old, fresh] = ['1'.repeat(100_000), '2'.repeat(50_000)];
    answer = (_request, response) => {
      const isFirst = requests.length === 1;
      const text = isFirst ? old : fresh;
      response.writeHead(200, { etag: isFirst ? '"1"' : '"2"', 'content-length': text.length });
      if (isFirst) response.write(text.slice(0, 70_000), () => response.destroy());
      else response.end(text);
    };
    expect(await readFile(await download(`${base}/x.bin`), 'utf8')).toBe(fresh);
  });

  test('again and again is an error that says how far it came, and nothing stays behind', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('0123456789', () => response.destroy());
    };
    await expect(download(`${base}/big.bin`)).rejects.toMatchObject({
      code: 'TEMPORARILY_UNAVAILABLE',
      message: expect.stringMatching(/^the file broke off after \d+ of 1000 bytes/),
    });
    expect(requests).toHaveLength(6);
    expect(await leftovers()).toEqual([]);
  });
});

test('an interrupt in the middle ends the download and removes what has come', async () => {
  const context = createTestContext({ cwd: folder, env });
  answer = (_request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('0123456789', () => setTimeout(() => context.interrupt('SIGTERM'), 50));
  };
  await expect(download(`${base}/big.bin`, context)).rejects.toMatchObject({
    name: 'Interrupted',
    signalName: 'SIGTERM',
  });
  expect(await leftovers()).toEqual([]);
});

test.each([
  { trackingUri: 'its own', sent: 'Bearer tracking-secret' },
  { trackingUri: 'http://127.0.0.1:9', sent: undefined },
])(
  'an MLflow server gets the tracking token only if it is the tracking server: $trackingUri',
  async ({ trackingUri, sent }) => {
    answer = (_request, response) => response.end('{}');
    const context = createTestContext({
      cwd: folder,
      env: { ...env, MLFLOW_TRACKING_TOKEN: 'tracking-secret' },
    });
    const uri = `${base}/api/2.0/mlflow-artifacts/artifacts/1/x.csv`;
    const at = { ...resolver, trackingUri: trackingUri === 'its own' ? base : trackingUri };
    await downloadArtifact(uri, join(folder, 'to'), context, at);
    // The list, whether the server signs addresses, and the file.
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([sent, sent, sent]);
  },
);

describe('a listing that leads out of its folder', () => {
  test.each(['../evil', '/etc/passwd', '..', 'a/../../b', ''])('is refused: `%s`', async (path) => {
    answer = ({ url }, response) =>
      response.end(
        url?.includes('?path=')
          ? JSON.stringify({ files: [{ path, is_dir: false, file_size: 1 }] })
          : 'x',
      );
    const uri = `${base}/api/2.0/mlflow-artifacts/artifacts/1/model`;
    await expect(download(uri)).rejects.toThrow(/leads out of its folder/);
    expect(await leftovers()).toEqual([]);
  });
});

test('folders that never end are given up', async () => {
  answer = ({ url }, response) =>
    response.end(
      JSON.stringify({ files: url?.includes('?path=') ? [{ path: 'again', is_dir: true }] : [] }),
    );
  const uri = `${base}/api/2.0/mlflow-artifacts/artifacts/1/loop`;
  await expect(download(uri)).rejects.toThrow(/never end/);
});
