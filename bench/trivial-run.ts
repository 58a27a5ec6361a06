import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureMlflow, mlflowEnv } from '../test/setup/mlflow.ts';
import { type Contender, compareCosts, reportRatio } from './measure.ts';

/**
 * What `run` itself costs: a project whose command does nothing, on SQLite; and the same with an
 * environment that is cached, where the difference to `--env-manager local` is the environment's part.
 */
const mlts = resolve(import.meta.dirname, '../bin/mlts.cjs');
const ROUNDS = 7;

export async function benchTrivialRun(): Promise<void> {
  const { mlflow, bin } = await ensureMlflow();
  const folder = await mkdtemp(join(tmpdir(), 'mlts-bench-'));
  try {
    await writeProject(join(folder, 'project'));
    const contender = (name: string, program: string, args: readonly string[]): Contender => ({
      name,
      command: [program, 'run', join(folder, 'project'), ...args],
      cwd: folder,
      env: mlflowEnv({
        PATH: `${bin}:${process.env.PATH}`,
        MLFLOW_TRACKING_URI: `sqlite:///${join(folder, `${name}.db`)}`,
        MLFLOW_ENV_ROOT: join(folder, 'environments', name),
      }),
    });
    await compareTrivial(contender('mlts', mlts, local), contender('mlflow', mlflow, local));
    await compareCached(contender, mlflow);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const local = ['--env-manager', 'local'] as const;
const cached = ['--env-manager', 'uv'] as const;

async function writeProject(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'MLproject'),
    'name: trivial\npython_env: python_env.yaml\nentry_points:\n  main:\n    command: "true"\n',
  );
  await writeFile(
    join(folder, 'python_env.yaml'),
    'python: "3.11"\nbuild_dependencies: [pip]\ndependencies: [six==1.17.0]\n',
  );
}

async function compareTrivial(ours: Contender, theirs: Contender): Promise<void> {
  const [mltsCost, mlflowCost] = await compareCosts([ours, theirs], ROUNDS);
  if (mltsCost === undefined || mlflowCost === undefined) return;
  reportRatio('run, trivial, SQLite: wall time', mltsCost.wallMs, mlflowCost.wallMs, 'ms', 15);
  reportRatio('run, trivial, SQLite: peak memory', mltsCost.peakMiB, mlflowCost.peakMiB, 'MiB', 3);
}

async function compareCached(
  contender: (name: string, program: string, args: readonly string[]) => Contender,
  mlflow: string,
): Promise<void> {
  const [ours, oursLocal, theirs, theirsLocal] = await compareCosts(
    [
      contender('mlts', mlts, cached),
      contender('mlts', mlts, local),
      contender('mlflow', mlflow, cached),
      contender('mlflow', mlflow, local),
    ],
    ROUNDS,
  );
  if (!ours || !oursLocal || !theirs || !theirsLocal) return;
  const part = ours.wallMs - oursLocal.wallMs;
  const theirPart = theirs.wallMs - theirsLocal.wallMs;
  console.log(
    `a cached environment costs mlts ${part.toFixed(1)} ms (goal under 20 ms: ${part < 20 ? 'ok' : 'MISSED'}), ` +
      `MLflow ${theirPart.toFixed(1)} ms`,
  );
}
