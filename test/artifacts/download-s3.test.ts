import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { downloadArtifact } from '../../src/artifacts/download.ts';
import { resolveRunsTo } from '../setup/artifact-resolver.ts';
import { createTestContext } from '../setup/context.ts';
import { S3_PAGE_SIZE, type S3Server, startS3Server } from '../setup/s3.ts';

let server: S3Server;
let folder: string;
const scratch: string[] = [];

beforeAll(async () => {
  server = await startS3Server();
  await server.createBucket('lake');
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-s3-'));
  scratch.push(folder);
});

afterAll(async () => {
  await server?.stop();
  await Promise.all(scratch.map((path) => rm(path, { recursive: true, force: true })));
});

const resolver = resolveRunsTo('s3://lake/runs/1/artifacts');

function download(uri: string, env: Record<string, string> = {}): Promise<string> {
  const context = createTestContext({ cwd: folder, env: { ...server.env, ...env } });
  return downloadArtifact(uri, join(folder, 'param_0'), context, resolver);
}

test('an object comes under its own name', async () => {
  await server.put('lake', 'raw/2026/rows.csv', 'a,b\n1,2\n');
  const path = await download('s3://lake/raw/2026/rows.csv');
  expect(path).toBe(join(folder, 'param_0', 'rows.csv'));
  expect(await readFile(path, 'utf8')).toBe('a,b\n1,2\n');
});

test('a name with blanks, signs and letters of other scripts is taken as it is', async () => {
  await server.put('lake', 'odd/50% off + más?.csv', 'x');
  const path = await download('s3://lake/odd/50% off + más?.csv');
  expect(path).toBe(join(folder, 'param_0', '50% off + más?.csv'));
});

test('a prefix comes as a folder, without its siblings and without folder markers', async () => {
  await server.put('lake', 'set/a.txt', 'A');
  await server.put('lake', 'set/deep/er/b.bin', Buffer.from([0, 255, 10]));
  await server.put('lake', 'set/empty/', '');
  await server.put('lake', 'settings.txt', 'sibling');
  const path = await download('s3://lake/set/');
  expect((await readdir(path, { recursive: true })).sort()).toEqual([
    'a.txt',
    'deep',
    'deep/er',
    'deep/er/b.bin',
    'empty',
  ]);
  expect(await readFile(join(path, 'deep/er/b.bin'))).toEqual(Buffer.from([0, 255, 10]));
});

test('more objects than one listing holds all come', async () => {
  const names = Array.from({ length: 2 * S3_PAGE_SIZE + 1 }, (_, number) => `${number}.txt`);
  await Promise.all(names.map((name) => server.put('lake', `many/${name}`, name)));
  const path = await download('s3://lake/many');
  expect((await readdir(path)).sort()).toEqual([...names].sort());
  expect(await readFile(join(path, '20.txt'), 'utf8')).toBe('20.txt');
});

test.each(['evil/../../x', 'void//x'])(
  'the key %s, which no folder can hold, is refused, and nothing stays behind',
  async (key) => {
    const [prefix] = key.split('/');
    await server.put('lake', `${prefix}/good.txt`, 'fine');
    await server.put('lake', key, 'boo');
    await expect(download(`s3://lake/${prefix}`)).rejects.toThrow(/leads out of its folder/);
    expect(await readdir(join(folder, 'param_0'))).toEqual([]);
  },
);

test('runs:/ finds the artifacts of a run in S3', async () => {
  await server.put('lake', 'runs/1/artifacts/plots/roc.png', 'png');
  const path = await download('runs:/1/plots');
  expect(await readFile(join(path, 'roc.png'), 'utf8')).toBe('png');
});

test.each([
  ['s3://lake/none.csv', 's3://lake/none.csv does not exist'],
  ['s3://nobody/x.csv', 'the bucket of s3://nobody/x.csv does not exist'],
])('%s: %s', async (uri, message) => {
  await expect(download(uri)).rejects.toMatchObject({
    code: 'RESOURCE_DOES_NOT_EXIST',
    message,
  });
});

test('a server that is not there is told with its cause and the variable to look at', async () => {
  const env = { MLFLOW_S3_ENDPOINT_URL: 'http://127.0.0.1:9' };
  await expect(download('s3://lake/raw/2026/rows.csv', env)).rejects.toMatchObject({
    code: 'TEMPORARILY_UNAVAILABLE',
    message: expect.stringContaining('ECONNREFUSED'),
    hint: expect.stringContaining('MLFLOW_S3_ENDPOINT_URL'),
  });
});

test('an endpoint without a scheme is refused', async () => {
  await expect(
    download('s3://lake/x', { MLFLOW_S3_ENDPOINT_URL: 'localhost:9000' }),
  ).rejects.toThrow('the S3 endpoint `localhost:9000` is no http or https address');
});

describe('S3 that breaks off', () => {
  const content = randomBytes(300_000);
  let requests: IncomingMessage[];
  let broken: Server;
  let env: Record<string, string>;
  let breakOff: (response: ServerResponse) => void;

  /** S3 that sends half of what is asked for until it is asked for the third time. */
  beforeEach(async () => {
    requests = [];
    breakOff = (response) => response.destroy();
    broken = createServer((request, response) => {
      const isListing = request.url?.includes('list-type=2');
      if (isListing) response.end('<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>');
      else sendHalf(request, response);
    });
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve));
    const { port } = broken.address() as AddressInfo;
    env = { MLFLOW_S3_ENDPOINT_URL: `http://127.0.0.1:${port}` };
  });

  afterEach(async () => {
    broken.closeAllConnections();
    await new Promise((resolve) => broken.close(resolve));
  });

  function sendHalf(request: IncomingMessage, response: ServerResponse): void {
    requests.push(request);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = content.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      etag: '"v1"',
      'content-length': rest.length,
      ...(from > 0 ? { 'content-range': `bytes ${from}-299999/300000` } : {}),
    });
    if (requests.length > 2) response.end(rest);
    else response.write(rest.subarray(0, rest.length / 2), () => breakOff(response));
  }

  test('goes on where it broke, as long as the object is the same', async () => {
    expect(await readFile(await download('s3://lake/big.bin', env))).toEqual(content);
    expect(requests.map(({ headers }) => headers['if-match'])).toEqual([undefined, '"v1"', '"v1"']);
    expect(requests[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  test.each([
    { version: 's3v4', authorization: /^AWS4-HMAC-SHA256 Credential=test-key/ },
    { version: 'unsigned', authorization: undefined },
  ])('requests are signed as MLflow is told to: $version', async ({ version, authorization }) => {
    breakOff = (response) => response.end(content.subarray(150_000));
    await download('s3://lake/big.bin', {
      ...env,
      MLFLOW_EXPERIMENTAL_S3_SIGNATURE_VERSION: version,
    });
    const sent = requests[0]?.headers.authorization;
    if (authorization === undefined) expect(sent).toBeUndefined();
    else expect(sent).toMatch(authorization);
  });

  test('an interrupt ends it, and nothing stays behind', async () => {
    const context = createTestContext({ cwd: folder, env: { ...server.env, ...env } });
    breakOff = () => setTimeout(() => context.interrupt('SIGINT'), 50);
    await expect(
      downloadArtifact('s3://lake/big.bin', join(folder, 'param_0'), context, resolver),
    ).rejects.toMatchObject({ name: 'Interrupted', signalName: 'SIGINT' });
    expect(await readdir(join(folder, 'param_0'))).toEqual([]);
  });
});
