import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RunningServer } from '../test/setup/mlflow.ts';
import { startMltsServer } from '../test/setup/mlts-server.ts';
import { reportRatio } from './measure.ts';
import { startUsualMlflow } from './usual-mlflow.ts';

/**
 * Artifacts through `mlts server` and `mlflow server` (its default 4 workers), on the disk of this machine, asked
 * by a client that costs little: `BENCH_FILES` (10000) small ones by 1 and 8 connections, and one of
 * `BENCH_LARGE_MIB` (2048), up and down.
 */
const FILES = Number(process.env.BENCH_FILES ?? 10_000);
const SMALL = Buffer.alloc(4 * 1024, 'small');
const LARGE_BYTES = Number(process.env.BENCH_LARGE_MIB ?? 2_048) * 1024 * 1024;
const PIECE = Buffer.alloc(1024 * 1024, 'large');
const SMALL_GOAL = 5;
const LARGE_GOAL = 1;
/** As many small files lie in one folder, as in those of a run. */
const PER_FOLDER = 100;

const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts';

export async function benchServerArtifacts(): Promise<void> {
  const [theirs, ours] = [await startUsualMlflow(), await startMltsServer()];
  try {
    for (const connections of [1, 8]) {
      for (const [verb, method] of [
        ['upload', 'PUT'],
        ['download', 'GET'],
      ] as const) {
        const took = async ({ uri }: RunningServer) => passSmall(uri, method, connections);
        const title = `${verb} ${FILES} of 4 KiB, ${connections} connection${connections === 1 ? '' : 's'}`;
        reportRatio(title, await took(ours), await took(theirs), 'ms', SMALL_GOAL);
      }
    }
    const mib = `one of ${LARGE_BYTES / 2 ** 20} MiB`;
    const before = await readPeakMiB(ours.process.pid);
    reportRatio(`upload ${mib}`, await send(ours.uri), await send(theirs.uri), 'ms', LARGE_GOAL);
    reportRatio(
      `download ${mib}`,
      await fetchIt(ours.uri),
      await fetchIt(theirs.uri),
      'ms',
      LARGE_GOAL,
    );
    const after = await readPeakMiB(ours.process.pid);
    console.log(`most memory of mlts server: ${after} MiB, ${before} before the large file`);
  } finally {
    await Promise.all([ours.stop(), theirs.stop()]);
  }
}

/** The milliseconds that all of them take. */
async function passSmall(uri: string, method: 'PUT' | 'GET', connections: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const startMs = performance.now();
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < FILES) {
      const index = next;
      next += 1;
      const path = `${ARTIFACTS}/small-${connections}/${Math.floor(index / PER_FOLDER)}/${index}.bin`;
      await ask(uri, method, path, agent);
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return performance.now() - startMs;
}

/** @throws Error for any answer but 200: a figure of failures is none. */
function ask(uri: string, method: 'PUT' | 'GET', path: string, agent: Agent): Promise<void> {
  const headers = method === 'PUT' ? { 'content-length': SMALL.length } : {};
  return new Promise((resolve, reject) => {
    const asking = request(`${uri}${path}`, { agent, method, headers });
    asking.once('error', reject).once('response', (answer) => {
      answer.resume().once('error', reject);
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`${method} ${path}: ${answer.statusCode}`));
      });
    });
    asking.end(method === 'PUT' ? SMALL : undefined);
  });
}

async function send(uri: string): Promise<number> {
  const startMs = performance.now();
  const headers = { 'content-length': LARGE_BYTES };
  const asking = request(`${uri}${ARTIFACTS}/large.bin`, { method: 'PUT', headers });
  const done = new Promise<number>((resolve, reject) => {
    asking.once('error', reject).once('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
  });
  const pieces = function* (): Iterable<Buffer> {
    for (let sent = 0; sent < LARGE_BYTES; sent += PIECE.length) yield PIECE;
  };
  await pipeline(Readable.from(pieces()), asking);
  if ((await done) !== 200) throw new Error(`the large file was not taken: ${await done}`);
  return performance.now() - startMs;
}

async function fetchIt(uri: string): Promise<number> {
  const startMs = performance.now();
  let bytes = 0;
  await new Promise<void>((resolve, reject) => {
    request(`${uri}${ARTIFACTS}/large.bin`)
      .once('error', reject)
      .once('response', (answer) => {
        answer.on('data', (piece: Buffer) => {
          bytes += piece.length;
        });
        answer.once('error', reject).once('end', resolve);
      })
      .end();
  });
  if (bytes !== LARGE_BYTES) throw new Error(`${bytes} bytes of the large file came`);
  return performance.now() - startMs;
}

/** The most that a process has ever had in memory. */
async function readPeakMiB(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}
