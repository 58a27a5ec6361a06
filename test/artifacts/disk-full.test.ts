import { randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bin, createRig, type Rig } from '../cli/rig.ts';
import { type S3Server, startS3Server } from '../setup/s3.ts';

let rig: Rig;
let server: S3Server;

beforeAll(async () => {
  rig = createRig();
  server = await startS3Server();
  await server.createBucket('lake');
  await server.put('lake', 'set/a-small.txt', 'small');
  await server.put('lake', 'set/big.bin', randomBytes(6_000_000));
});
afterAll(async () => {
  await server?.stop();
  await rig?.[Symbol.asyncDispose]();
});

/** A tmpfs of this size can be mounted only by root, and not in every container. */
async function mountSmallDisk(folder: string): Promise<boolean> {
  const options = ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder];
  const { exitCode } = await execa('mount', options, { reject: false });
  return exitCode === 0;
}

const env = (): Record<string, string> => ({
  ...rig.env,
  ...server.env,
  MLFLOW_TRACKING_URI: `sqlite:///${rig.path('m.db')}`,
});

test('a file that may not grow so large: one line, and nothing under its name', async () => {
  await rig.mlts(['experiments', 'search'], { env: env() });
  const download = `ulimit -f 3000; exec "${bin}" artifacts download -u s3://lake/set -d to`;
  const ended = await execa('bash', ['-c', download], {
    cwd: rig.directory,
    env: env(),
    extendEnv: false,
    reject: false,
  });
  expect(ended.exitCode).toBe(1);
  expect(ended.stderr).toMatch(/^error: cannot write .*big\.bin: the file system takes no files/m);
  expect(await readdir(rig.path('to'))).toEqual([]);
});

test('a disk that is full: one line with the mend, and nothing under its name', async (context) => {
  const disk = rig.path('disk');
  await rig.write({ 'disk/.keep': '' });
  if (!(await mountSmallDisk(disk))) context.skip('no tmpfs can be mounted here');
  try {
    await writeFile(rig.path('disk/mine.txt'), 'mine');
    const args = ['artifacts', 'download', '-u', 's3://lake/set', '-d', 'disk/to'];
    const ended = await rig.mlts(args, { env: env() });
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(/^error: cannot write .*big\.bin: no space left on the disk/m);
    expect(ended.stderr).toMatch(/^hint: make room, or name a folder on another disk/m);
    expect(await readdir(`${disk}/to`)).toEqual([]);
  } finally {
    await execa('umount', [disk]);
  }
});
