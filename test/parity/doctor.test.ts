import { execa } from 'execa';
import { expect, test } from 'vitest';
import { createRig } from '../cli/rig.ts';
import { ensureMlflow } from '../setup/mlflow.ts';

/** Lines of both that must say the same; the others are about Python's packages, or about mlts. */
const SHARED =
  /^(System information|Python version|Tracking URI|Registry URI| {2}MLFLOW_\w+): .*$/gm;

test.each([
  { args: [], registry: {} },
  { args: ['--mask-envs'], registry: { MLFLOW_REGISTRY_URI: 'sqlite:///models.db' } },
])('doctor $args says what MLflow says', async ({ args, registry }) => {
  await using rig = createRig();
  const { mlflow, bin } = await ensureMlflow();
  const env = {
    ...rig.env,
    PATH: `${bin}:${rig.env.PATH}`,
    MLFLOW_TRACKING_URI: 'sqlite:///runs.db',
    MLFLOW_EXPERIMENT_NAME: 'churn',
    ...registry,
  };
  const options = { cwd: rig.directory, env, extendEnv: false };
  const theirs = (await execa(mlflow, ['doctor', ...args], options)).stdout.match(SHARED);
  const ours = (await rig.mlts(['doctor', ...args], { env })).stdout.match(SHARED);
  expect(theirs?.length).toBeGreaterThanOrEqual(6);
  expect([...(ours ?? [])].sort()).toEqual([...(theirs ?? [])].sort());
});
