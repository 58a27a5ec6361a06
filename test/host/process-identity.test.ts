import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import {
  findProcessesWith,
  identifyProcess,
  judgeProcess,
  type ProcessIdentity,
} from '../../src/host/process-identity.ts';

const onLinux = test.skipIf(process.platform !== 'linux');

async function identifyOurs(): Promise<ProcessIdentity> {
  const identity = await identifyProcess();
  if (identity === undefined) throw new Error('this process has no identity');
  return identity;
}

onLinux('a process is alive until it ends', async () => {
  const child = spawn('sleep', ['60']);
  const identity = await identifyProcess(child.pid);
  if (identity === undefined) throw new Error('the child has no identity');
  expect(await judgeProcess(identity)).toBe('alive');
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(await judgeProcess(identity)).toBe('gone');
});

const change = (birth: string, part: number): string =>
  birth
    .split(':')
    .map((text, index) => (index === part ? '1' : text))
    .join(':');

onLinux.each([
  ['its number was given to another process', 3, 'gone'],
  ['its number is one of another container', 2, 'elsewhere'],
  ['its machine is another one', 0, 'elsewhere'],
])('%s', async (_why, part, state) => {
  const { host, pid, birth } = await identifyOurs();
  expect(await judgeProcess({ host, pid, birth: change(birth, part) })).toBe(state);
});

onLinux(
  'a machine that was started anew has lost its processes, if it is surely the same',
  async () => {
    const { host, pid, birth } = await identifyOurs();
    const isKnown = !birth.startsWith(':');
    expect(await judgeProcess({ host, pid, birth: change(birth, 1) })).toBe(
      isKnown ? 'gone' : 'elsewhere',
    );
  },
);

onLinux('another host', async () => {
  expect(await judgeProcess({ ...(await identifyOurs()), host: 'another' })).toBe('elsewhere');
});

onLinux('processes are found by a variable, whole', async () => {
  const child = spawn('sleep', ['60'], { env: { ...process.env, MLTS_TEST: 'abc' } });
  await once(child, 'spawn');
  expect(await findProcessesWith('MLTS_TEST=abc')).toEqual([child.pid]);
  expect(await findProcessesWith('MLTS_TEST=ab')).toEqual([]);
  child.kill('SIGKILL');
  await once(child, 'close');
});
