import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../rig.ts';
import { readOnlyRun } from '../store.ts';

let rig: Rig;
let runId: string;
beforeAll(async () => {
  rig = createRig();
  const { stdout } = await rig.mlts(['runs', 'create', '--experiment-id', '0']);
  runId = (JSON.parse(stdout) as { readonly run_id: string }).run_id;
});
afterAll(() => rig[Symbol.asyncDispose]());

const runs = (...args: readonly string[]) => rig.mlts(['runs', ...args]);
const stored = () => readOnlyRun(rig.path('mlflow.db'));

test('params and tags', async () => {
  expect(await runs('log-param', runId, 'alpha', '0.5')).toMatchObject({ exitCode: 0, stdout: '' });
  await runs('set-tag', runId, 'team', 'a');
  await runs('set-tag', runId, 'team', 'größe = b');
  await runs('set-tag', runId, 'old', '--', '-1');
  expect(stored()).toMatchObject({
    params: { alpha: '0.5' },
    tags: { team: 'größe = b', old: '-1' },
  });
  expect(await runs('delete-tag', runId, 'old')).toMatchObject({
    exitCode: 0,
    stderr: `deleted tag \`old\` of run ${runId}\n`,
  });
  expect(stored().tags).not.toHaveProperty('old');
});

test('values of a metric, with and without step and time', async () => {
  const beforeMs = Date.now();
  await runs('log-metric', runId, 'loss', '-0.5');
  await runs('log-metric', runId, 'loss', '.25e-1', '--step', '7', '--timestamp', '1700000000000');
  const time = ['--timestamp', '2026-01-31T12:00:00Z'];
  await runs('log-metric', runId, 'loss', '--step', '-1', ...time, '--', '-inf');
  await runs('log-metric', runId, 'loss', 'NaN', '--step', '8', ...time);
  const { stdout } = await runs('metrics', runId, 'loss', '--output', 'json');
  const history = JSON.parse(stdout) as { readonly timestamp: number }[];
  const timestamp = Date.parse('2026-01-31T12:00:00Z');
  expect(history).toHaveLength(4);
  expect(history).toEqual(
    expect.arrayContaining([
      { key: 'loss', value: 0.025, timestamp: 1_700_000_000_000, step: 7 },
      { key: 'loss', value: 'NaN', timestamp, step: 8 },
      // SQL has no infinity: MLflow stores the largest number in its place.
      { key: 'loss', value: -Number.MAX_VALUE, timestamp, step: -1 },
      { key: 'loss', value: -0.5, timestamp: expect.any(Number), step: 0 },
    ]),
  );
  expect(Math.max(...history.map((metric) => metric.timestamp))).toBeGreaterThanOrEqual(beforeMs);
});

describe('what cannot be logged is one line, and nothing is stored', () => {
  test.each([
    { args: ['log-metric', 'RUN', 'm', 'fast'], exitCode: 2, says: /'fast'.*a number/ },
    { args: ['log-metric', 'RUN', 'm', '0x10'], exitCode: 2, says: /'0x10'/ },
    { args: ['log-metric', 'RUN', 'm', '1', '--step', '1.5'], exitCode: 2, says: /'1.5'.*whole/ },
    { args: ['log-metric', 'RUN', 'm', '1', '--timestamp', 'noon'], exitCode: 2, says: /'noon'/ },
    { args: ['log-metric', 'RUN', '../m', '1'], exitCode: 1, says: /no plain path/ },
    { args: ['log-param', 'RUN', 'p'], exitCode: 2, says: /missing.*value/ },
    { args: ['set-tag', 'RUN', 'a;b', '1'], exitCode: 1, says: /`a;b` holds characters/ },
    { args: ['delete-tag', 'RUN', 'none'], exitCode: 1, says: /has no tag `none`/ },
    { args: ['set-tag', 'f'.repeat(32), 'a', '1'], exitCode: 1, says: /no run with id f{32}/ },
    { args: ['set-tag', '../0', 'a', '1'], exitCode: 1, says: /`\.\.\/0` is no run id/ },
  ])('$args', async ({ args, exitCode, says }) => {
    const before = stored();
    const ended = await runs(...args.map((word) => (word === 'RUN' ? runId : word)));
    expect(ended).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(says) });
    expect(ended.stderr).toMatch(/^error: .*\n(hint: .*\n)?$/);
    expect(stored()).toEqual(before);
  });

  test('a param that has another value', async () => {
    await runs('log-param', runId, 'fixed', '1');
    const ended = await runs('log-param', runId, 'fixed', '2');
    expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/`1`.*`2`/) });
  });

  test('a deleted run takes nothing, until it is restored', async () => {
    await runs('delete', '--run-id', runId);
    const ended = await runs('set-tag', runId, 'late', '1');
    expect(ended).toMatchObject({
      exitCode: 1,
      stderr: `error: run ${runId} is deleted\nhint: bring it back with: mlts runs restore --run-id ${runId}\n`,
    });
    await runs('restore', '--run-id', runId);
    expect(await runs('set-tag', runId, 'late', '1')).toMatchObject({ exitCode: 0 });
  });
});
