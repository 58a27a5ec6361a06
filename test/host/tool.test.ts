import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { streamTool } from '../../src/host/tool.ts';

interface RunningShell {
  readonly lines: string[];
  readonly ended: Promise<unknown>;
  interrupt(): void;
}

function runShell(script: string): RunningShell {
  const lines: string[] = [];
  const controller = new AbortController();
  const { signal } = controller;
  const onLine = (line: string) => void lines.push(line);
  const options = { cwd: '/', env: { PATH: process.env.PATH }, signal };
  const ended = streamTool('bash', ['-c', script], options, onLine).catch(
    (error: unknown) => error,
  );
  return { lines, ended, interrupt: () => controller.abort(new Error('interrupted')) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.each([
  ['exit 0', 0],
  ['exit 7', 7],
  ['kill -9 $$', -1],
])('%s ends with %i', async (script, exitCode) => {
  expect(await runShell(script).ended).toBe(exitCode);
});

test('both streams come line by line', async () => {
  const { lines, ended } = runShell('echo one; echo two >&2; echo three');
  await ended;
  expect(lines.sort()).toEqual(['one', 'three', 'two']);
});

test.each([
  ['its children end with it', 'sleep 60 & echo $!; wait'],
  [
    'children that ignore SIGTERM are killed',
    "(trap '' TERM; while :; do sleep 1; done) & echo $!; wait",
  ],
])('interrupted: %s', async (_what, script) => {
  const { lines, ended, interrupt } = runShell(script);
  while (lines.length === 0) await sleep(10);
  interrupt();
  expect(await ended).toMatchObject({ message: 'interrupted' });
  const child = Number(lines[0]);
  for (let tries = 0; isAlive(child) && tries < 100; tries += 1) await sleep(20);
  expect(isAlive(child)).toBe(false);
});

test('a program that is not there', async () => {
  const running = streamTool('/nowhere/tool', [], { cwd: '/', env: {} }, () => {});
  await expect(running).rejects.toThrow('`/nowhere/tool` was not found');
});
