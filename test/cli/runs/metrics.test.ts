import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTrackingStore } from '../../../src/tracking/open.ts';
import { createTestContext } from '../../setup/context.ts';
import { bin, createRig, type Rig } from '../rig.ts';

const VALUES = [1, 0.5, Number.NaN, 0.125];

let rig: Rig;
let runId: string;
beforeAll(async () => {
  rig = createRig();
  const store = await openTrackingStore(
    'sqlite:///mlflow.db',
    createTestContext({ cwd: rig.directory }),
  );
  const run = { experimentId: '0', userId: 'ann', startTimeMs: 0, tags: [] };
  runId = (await store.createRun(run)).info.id;
  const toMetric = (value: number, step: number) => ({
    key: 'loss',
    value,
    step,
    timestampMs: step,
  });
  await store.logBatch(runId, { metrics: VALUES.map(toMetric) });
  await store.close();
});
afterAll(() => rig[Symbol.asyncDispose]());

const ROWS = [
  { key: 'loss', value: 1, timestamp: 0, step: 0 },
  { key: 'loss', value: 0.5, timestamp: 1, step: 1 },
  { key: 'loss', value: 'NaN', timestamp: 2, step: 2 },
  { key: 'loss', value: 0.125, timestamp: 3, step: 3 },
];

test.each([
  [[], 'step  value  time\n0     1      1970-01-01T00:00:00.000Z\n'],
  [['-o', 'csv'], 'step,value,time\n0,1,1970-01-01T00:00:00.000Z\n'],
  [['-o', 'jsonl'], ROWS.map((row) => `${JSON.stringify(row)}\n`).join('')],
  [['-o', 'json'], `${JSON.stringify(ROWS, null, 2)}\n`],
])('%j', async (options, start) => {
  const { stdout, stderr, exitCode } = await rig.mlts([
    'runs',
    'metrics',
    runId,
    'loss',
    ...options,
  ]);
  expect(stdout.slice(0, start.length)).toBe(start);
  expect(stdout.trim().split('\n').length).toBeGreaterThanOrEqual(ROWS.length);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
});

const ON_TERMINAL = `
import fcntl, os, pty, struct, sys, termios
pid, screen = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 50, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
while True:
    try:
        chunk = os.read(screen, 4096)
    except OSError:
        break
    if not chunk:
        break
    seen += chunk
sys.stdout.write(seen.decode())
`;

test('a terminal gets a plot as wide as it is, and what has no place in it is told', async () => {
  const args = ['-c', ON_TERMINAL, bin, 'runs', 'metrics', runId, 'loss'];
  const options = { cwd: rig.directory, env: { ...rig.env, TERM: 'xterm' }, extendEnv: false };
  const lines = (await execa('python3', args, options)).stdout.split(/\r?\n/);
  expect(lines.find((line) => line.startsWith('     1┤━'))).toBeDefined();
  expect(lines.find((line) => line.startsWith(' 0.125┤'))).toBeDefined();
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(50);
  expect(lines).toContain('1 of 4 values are no finite numbers');
});

test.each([
  ['los', 'did you mean `loss`?'],
  ['accuracy', 'it has `loss`'],
])('a metric that is not there: %s', async (key, hint) => {
  expect(await rig.mlts(['runs', 'metrics', runId, key])).toMatchObject({
    exitCode: 1,
    stdout: '',
    stderr: `error: run ${runId} has no metric \`${key}\`\nhint: ${hint}\n`,
  });
});
