import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { type S3Server, startS3Server } from '../setup/s3.ts';
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from '../setup/small-disk.ts';

const PROXY = '/api/2.0/mlflow-artifacts/artifacts';
const DISK_KIB = 4_096;
const TOO_LARGE = randomBytes(6_000_000);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-faults-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function put(server: MltsServer, path: string, body: Buffer | string) {
  const answer = await fetch(`${server.uri}${PROXY}/${path}`, { method: 'PUT', body });
  const text = await answer.text();
  return { status: answer.status, error: text === '' ? {} : JSON.parse(text) };
}

function begin({ uri }: MltsServer, path: string, bytes: number): ClientRequest {
  const headers = { 'content-length': bytes };
  const sent = request(`${uri}${PROXY}/${path}`, { method: 'PUT', headers });
  return sent.on('error', () => {});
}

const reason = await whyNoSmallDisk();
describe.skipIf(reason !== undefined)(`a full disk${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let disk: SmallDisk;
  beforeAll(async () => {
    disk = await mountSmallDisk(join(folder, 'disk'), DISK_KIB);
  });
  afterAll(() => disk?.[Symbol.asyncDispose]());

  test('where artifacts are kept: an answer, what was there stays, and nothing is half there', async () => {
    const server = await startMltsServer(['--artifacts-destination', disk.path]);
    try {
      expect((await put(server, 'a/kept.bin', 'before')).status).toBe(200);
      const full = await put(server, 'a/kept.bin', TOO_LARGE);
      expect(full).toMatchObject({
        status: 500,
        error: { error_code: 'INTERNAL_ERROR', message: expect.stringMatching(/no space left/) },
      });
      expect(full.error.message).not.toContain(disk.path);
      expect(await readdir(join(disk.path, 'a'))).toEqual(['kept.bin']);
      expect(await readFile(join(disk.path, 'a/kept.bin'), 'utf8')).toBe('before');
      expect((await put(server, 'a/small.bin', 'fits')).status).toBe(200);
      expect(server.said.stderr).not.toMatch(/at .*\.(ts|js):/);
    } finally {
      await server.stop();
      await rm(join(disk.path, 'a'), { recursive: true });
    }
  });

  test('where files wait for their way to S3: the same, and nothing in S3', async () => {
    const s3 = await startS3Server();
    await s3.createBucket('lake');
    const env = { ...s3.env, TMPDIR: disk.path };
    const server = await startMltsServer(['--artifacts-destination', 's3://lake/x'], env);
    try {
      expect(await put(server, 'a/big.bin', TOO_LARGE)).toMatchObject({
        status: 500,
        error: { error_code: 'INTERNAL_ERROR', message: expect.stringMatching(/no space left/) },
      });
      expect((await put(server, 'a/small.bin', 'fits')).status).toBe(200);
      const listed = await fetch(`${server.uri}${PROXY}?path=a`);
      expect(await listed.json()).toEqual({
        files: [{ path: 'small.bin', is_dir: false, file_size: 4 }],
      });
      expect(await readdir(disk.path)).toEqual([]);
    } finally {
      await Promise.all([server.stop(), s3.stop()]);
    }
  });
});

describe('artifacts on the disk of the server', () => {
  let server: MltsServer;
  let kept: string;
  beforeAll(async () => {
    server = await startMltsServer();
    kept = join(server.folder, 'mlartifacts');
  });
  afterAll(() => server?.stop());

  test('of many uploads of the same file one is there, whole, and nothing else', async () => {
    const contents = Array.from({ length: 20 }, (_, index) => Buffer.alloc(300_000, index + 1));
    const answers = await Promise.all(contents.map((body) => put(server, 'same/a.bin', body)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const stored = await readFile(join(kept, 'same/a.bin'));
    expect(contents.some((content) => content.equals(stored))).toBe(true);
    expect(await readdir(join(kept, 'same'))).toEqual(['a.bin']);
  });

  test('a small file goes into a folder that has been deleted since the last one', async () => {
    for (const text of ['first', 'second', 'third']) {
      for (const name of ['c.txt', 'd.txt']) {
        expect(await put(server, `again/${name}`, text)).toMatchObject({ status: 200 });
        expect(await readFile(join(kept, 'again', name), 'utf8')).toBe(text);
      }
      const deleted = await fetch(`${server.uri}${PROXY}/again`, { method: 'DELETE' });
      expect(deleted.status).toBe(200);
    }
  });

  test('a large file goes through without being held', async () => {
    const piece = Buffer.alloc(1_000_000, 'large');
    const pieces = 300;
    await put(server, 'large/b.bin', piece);
    const before = await readPeakBytes(server);
    const sent = begin(server, 'large/b.bin', pieces * piece.length);
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    await pipeline(Readable.from(Array.from({ length: pieces }, () => piece)), sent);
    const [answer] = await answered;
    answer.resume();
    expect(answer.statusCode).toBe(200);
    const fetched = await fetch(`${server.uri}${PROXY}/large/b.bin`);
    let bytes = 0;
    for await (const part of fetched.body ?? []) bytes += part.length;
    expect(bytes).toBe(pieces * piece.length);
    expect((await readPeakBytes(server)) - before).toBeLessThan(200_000_000);
  });

  test('a client that hangs up in the middle of a download leaves no file open', async () => {
    await put(server, 'large/a.bin', randomBytes(30_000_000));
    const asking = request(`${server.uri}${PROXY}/large/a.bin`).end();
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    await once(answer, 'data');
    answer.on('error', () => {}).destroy();
    await expect.poll(() => listOpenFiles(server), { timeout: 20_000 }).toEqual([]);
    expect((await fetch(`${server.uri}/health`)).status).toBe(200);
  });

  test('a folder in the way of a file, and a file in that of a folder, are told', async () => {
    await put(server, 'way/a/b.bin', 'x');
    for (const path of ['way/a', 'way/a/b.bin/c.bin']) {
      const { status, error } = await put(server, path, 'y');
      expect([status, error.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE']);
      expect(error.message).not.toContain(kept);
    }
    expect(await readdir(join(kept, 'way/a'))).toEqual(['b.bin']);
  });

  test('the names that files on their way have cannot be asked for', async () => {
    const name = '.artifact.uploading.x';
    expect((await put(server, `way/${name}`, 'x')).status).toBe(400);
    await mkdir(join(kept, 'way'), { recursive: true });
    const listed = await fetch(`${server.uri}${PROXY}?path=way`);
    expect(JSON.stringify(await listed.json())).not.toContain(name);
  });

  /** The most that the server has ever had in memory. */
  async function readPeakBytes({ process }: MltsServer): Promise<number> {
    const status = await readFile(`/proc/${process.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  }

  /** Of the artifacts, by the server. */
  async function listOpenFiles({ process }: MltsServer): Promise<readonly string[]> {
    const open = `/proc/${process.pid}/fd`;
    const names = await readdir(open);
    const files = await Promise.all(
      names.map((name) => readlink(join(open, name)).catch(() => '')),
    );
    return files.filter((file) => file.startsWith(kept));
  }
});

describe('artifacts in S3 behind the server', () => {
  let s3: S3Server;
  let server: MltsServer;
  let temporary: string;
  beforeAll(async () => {
    s3 = await startS3Server();
    await s3.createBucket('lake');
    temporary = join(folder, 'temporary');
    await mkdir(temporary);
    const env = { ...s3.env, TMPDIR: temporary };
    server = await startMltsServer(['--artifacts-destination', 's3://lake/kept'], env);
  });
  afterAll(async () => {
    await Promise.all([server?.stop(), s3?.stop()]);
  });

  const list = async (path: string) =>
    (await fetch(`${server.uri}${PROXY}?path=${path}`)).json() as Promise<unknown>;

  test('of an upload that breaks off nothing is left, neither there nor here', async () => {
    await put(server, 'cut/a.bin', 'before');
    const sent = begin(server, 'cut/a.bin', 1_000_000);
    await new Promise<void>((resolve) => sent.write(randomBytes(500_000), () => resolve()));
    await expect.poll(() => readdir(temporary), { timeout: 20_000 }).toHaveLength(1);
    sent.destroy();
    await expect.poll(() => readdir(temporary), { timeout: 20_000 }).toEqual([]);
    expect(await list('cut')).toEqual({ files: [{ path: 'a.bin', is_dir: false, file_size: 6 }] });
    expect(await s3.listUnfinished('lake')).toEqual([]);
    expect(await (await fetch(`${server.uri}${PROXY}/cut/a.bin`)).text()).toBe('before');
  });

  test('a download that broke off goes on where the file is still the same', async () => {
    await put(server, 'part/a.txt', '0123456789');
    const ask = (headers: Record<string, string>) =>
      fetch(`${server.uri}${PROXY}/part/a.txt`, { headers });
    const whole = await ask({});
    expect([whole.status, await whole.text()]).toEqual([200, '0123456789']);
    const etag = whole.headers.get('etag') ?? '';
    const rest = await ask({ range: 'bytes=7-', 'if-range': etag });
    expect([rest.status, rest.headers.get('content-range'), await rest.text()]).toEqual([
      206,
      'bytes 7-9/10',
      '789',
    ]);
    await put(server, 'part/a.txt', 'another one');
    const anew = await ask({ range: 'bytes=7-', 'if-range': etag });
    expect([anew.status, await anew.text()]).toEqual([200, 'another one']);
    const beyond = await ask({ range: 'bytes=99-', 'if-range': anew.headers.get('etag') ?? '' });
    expect([beyond.status, await beyond.text()]).toEqual([200, 'another one']);
  });

  test('what S3 refuses is told in its words, without a stack', async () => {
    const env = { ...s3.env, TMPDIR: temporary };
    const lost = await startMltsServer(['--artifacts-destination', 's3://none/x'], env);
    const { status, error } = await put(lost, 'a.bin', 'x');
    expect([status, error.error_code]).toEqual([404, 'RESOURCE_DOES_NOT_EXIST']);
    expect(await readdir(temporary)).toEqual([]);
    await lost.stop();
  });
});
