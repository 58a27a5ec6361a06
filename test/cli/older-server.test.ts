import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningServer } from '../setup/mlflow.ts';
import { startOlderServer } from '../setup/older-server.ts';
import { createRig, type Rig } from './rig.ts';

describe.each(['2.0.1', '2.14.3'])('a server of MLflow %s', (version) => {
  let server: RunningServer;
  let rig: Rig;
  beforeAll(async () => {
    rig = createRig();
    server = await startOlderServer(version);
  });
  afterAll(async () => {
    await server?.stop();
    await rig[Symbol.asyncDispose]();
  });

  const mlts = async (...args: readonly string[]): Promise<string> => {
    const ended = await rig.mlts(args, { env: { MLFLOW_TRACKING_URI: server.uri } });
    expect([args, ended.exitCode, ended.stderr]).toEqual([args, 0, ended.stderr]);
    return ended.stdout;
  };
  const json = async (...args: readonly string[]) => JSON.parse(await mlts(...args, '-o', 'json'));

  test('experiments, runs and their artifacts, from the first to the last verb', async () => {
    await mlts('experiments', 'create', '--experiment-name', 'churn');
    const { experiment_id: id } = await json('experiments', 'get', '--experiment-name', 'churn');
    await rig.write({
      MLproject: 'entry_points: {main: {parameters: {n: int}, command: "echo {n} > model.txt"}}',
    });
    await mlts('run', '.', '--env-manager', 'local', '--experiment-name', 'churn', '-P', 'n=7');
    const [found] = await json(
      'runs',
      'search',
      '--experiment-name',
      'churn',
      '--filter',
      "params.n = '7'",
    );
    const runId = found.info.run_id;
    expect(found.info).toMatchObject({ status: 'FINISHED', experiment_id: id });
    await mlts('runs', 'log-metric', runId, 'loss', '0.5', '--step', '3');
    await mlts('runs', 'set-tag', runId, 'team', 'forecasting');
    const run = await json('runs', 'get', runId);
    expect(run.data.metrics).toMatchObject([{ key: 'loss', value: 0.5, step: 3 }]);
    expect(await json('runs', 'metrics', runId, 'loss')).toMatchObject([{ step: 3, value: 0.5 }]);
    await mlts('artifacts', 'log-artifact', '--local-file', 'model.txt', '--run-id', runId);
    await mlts(
      'artifacts',
      'download',
      '--run-id',
      runId,
      '--artifact-path',
      'model.txt',
      '-d',
      'got',
    );
    expect(await readFile(rig.path('got', 'model.txt'), 'utf8')).toBe('7\n');
    await mlts('runs', 'delete', '--run-id', runId);
    await mlts('runs', 'restore', '--run-id', runId);
    expect(await mlts('experiments', 'csv', '--experiment-id', id)).toContain(runId);
  });

  test('registered models and their versions, from the first to the last verb', async () => {
    const [run] = await json('runs', 'search', '--experiment-name', 'churn');
    const { run_id: runId, artifact_uri: source } = run.info;
    await mlts('registered-models', 'create', 'churn', '--description', 'who leaves');
    await mlts('model-versions', 'create', 'churn', '--source', source, '--run-id', runId);
    await mlts('model-versions', 'set-tag', 'churn', '1', 'validated', 'true');
    const promote = ['models', 'promote', 'churn', '--version', '1', '--to', 'Production'];
    await mlts(...promote, '--archive-existing', '--require-tag', 'validated=true');
    const versions = await json('model-versions', 'search', '--stage', 'Production');
    expect(versions).toMatchObject([{ name: 'churn', current_stage: 'Production', run_id: runId }]);
    expect(await json('registered-models', 'get', 'churn')).toMatchObject({ name: 'churn' });
    const got = await mlts(
      'artifacts',
      'download',
      '-u',
      'models:/churn/Production',
      '-d',
      'model',
    );
    expect(await readFile(join(got.trim(), 'model.txt'), 'utf8')).toBe('7\n');
    await mlts('registered-models', 'rename', 'churn', 'left');
    await mlts('model-versions', 'delete', 'left', '1');
    await mlts('registered-models', 'delete', 'left');
    expect(await json('registered-models', 'search')).toEqual([]);
  });

  test('what it does not know yet is one clear line', async () => {
    const env = { MLFLOW_TRACKING_URI: server.uri };
    const { stderr, exitCode } = await rig.mlts(
      ['artifacts', 'download', '-u', 'models:/m-0123456789abcdef0123456789abcdef', '-d', 'x'],
      { env },
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: .*\nhint: .*\n$/);
    expect((await rig.mlts(['doctor'], { env })).stdout).toContain('Tracking store: MLflow server');
  });
});
