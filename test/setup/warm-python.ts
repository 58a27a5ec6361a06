import { spawn } from 'node:child_process';
import { once as onceEmitted } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { once, testCache } from './cache.ts';

export interface PythonCall {
  readonly script: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
}

export interface PythonEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const PROGRAM = join(import.meta.dirname, 'warm-python.py');
const NOTHING: PythonCall = { script: '', args: [], cwd: '/', env: {} };

/** All workers of a test run share one, which is named for their parent and ends with it. */
const SOCKET = join(testCache, `python-${process.ppid}.sock`);

/** What `python -c` would do, in a process that has imported MLflow already. */
export async function callWarmPython(python: string, call: PythonCall): Promise<PythonEnd> {
  const answered = await ask(call);
  if (answered !== undefined) return answered;
  await once('warm-python', () => start(python, call.env));
  const ended = await ask(call);
  if (ended === undefined) throw new Error(`${PROGRAM} does not listen`);
  return ended;
}

/** Undefined where nobody listens. */
async function ask(call: PythonCall): Promise<PythonEnd | undefined> {
  const socket = connect(SOCKET);
  socket.write(`${JSON.stringify(call)}\n`);
  try {
    return JSON.parse(await text(socket)) as PythonEnd;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    throw error;
  }
}

async function start(python: string, env: Record<string, string>): Promise<void> {
  if ((await ask(NOTHING)) !== undefined) return;
  const started = spawn(python, [PROGRAM, SOCKET, String(process.ppid)], {
    cwd: '/',
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await Promise.race([onceEmitted(started.stdout, 'data'), onceEmitted(started, 'exit')]);
  started.stdout.destroy();
  started.unref();
}
