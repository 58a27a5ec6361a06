import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { ensureMlflow, mlflowEnv } from '../test/setup/mlflow.ts';
import { type Contender, compareCosts, reportRatio } from './measure.ts';

/**
 * How long it takes to say hello: `--version`, `--help`, `run --help`, beside MLflow and beside a Node
 * that does nothing.
 */
const mlts = resolve(import.meta.dirname, '../bin/mlts.cjs');
const ROUNDS = 11;

export async function benchStartup(): Promise<void> {
  const { mlflow } = await ensureMlflow();
  const env = mlflowEnv();
  const inTemporary = (name: string, command: string[]): Contender => ({
    name,
    command,
    cwd: tmpdir(),
    env,
  });
  const [bare, version] = await compareCosts(
    [inTemporary('node', [process.execPath, '-e', '0']), inTemporary('mlts', [mlts, '--version'])],
    ROUNDS * 3,
  );
  if (bare === undefined || version === undefined) return;
  const floorRatio = version.wallMs / bare.wallMs;
  console.log(
    `mlts --version ${version.wallMs.toFixed(1)} ms, bare \`node -e 0\` ${bare.wallMs.toFixed(1)} ms: ` +
      `${floorRatio.toFixed(2)} x  (goal at most 1.5 x: ${floorRatio <= 1.5 ? 'ok' : 'MISSED'})`,
  );
  for (const { args, goal } of [
    { args: ['--version'], goal: 60 },
    { args: ['--help'], goal: 40 },
    { args: ['run', '--help'], goal: 40 },
  ]) {
    const [ours, theirs] = await compareCosts(
      [inTemporary('mlts', [mlts, ...args]), inTemporary('MLflow', [mlflow, ...args])],
      ROUNDS,
    );
    if (ours === undefined || theirs === undefined) return;
    reportRatio(args.join(' '), ours.wallMs, theirs.wallMs, 'ms', goal);
  }
}
