import { writeThroughCrashes } from '../test/setup/crash-load.ts';

/**
 * 64 clients that write to `mlts server` for minutes, with `kill -9` in between: what was acknowledged, and what of it
 * is stored. `BENCH_KILLS` (30) times `BENCH_SECONDS` (6).
 */
const KILLS = Number(process.env.BENCH_KILLS ?? 30);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 6);

export async function benchCrashes(): Promise<void> {
  const report = await writeThroughCrashes({ clients: 64, kills: KILLS, seconds: SECONDS });
  const { kills, acknowledged, lost, torn, integrity } = report;
  console.log(
    `${kills} kills, ${acknowledged} writes acknowledged, ${lost.length} lost, ${torn.length} half stored, integrity ${integrity}`,
  );
  if (lost.length + torn.length > 0 || integrity !== 'ok') process.exitCode = 1;
}
