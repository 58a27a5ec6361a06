import { resolve } from 'node:path';
import { execa } from 'execa';

export interface Cost {
  readonly wallMs: number;
  readonly peakMiB: number;
}

export interface Contender {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs before each measured run, unmeasured. */
  readonly before?: () => Promise<void>;
}

const meter = resolve(import.meta.dirname, 'measure.py');

/** One run of a command. @throws Error where it does not exit with 0. */
export async function measureOnce(contender: Contender): Promise<Cost> {
  await contender.before?.();
  const { stdout } = await execa('python3', [meter, ...contender.command], {
    ...(contender.cwd === undefined ? {} : { cwd: contender.cwd }),
    env: contender.env,
    extendEnv: false,
  });
  const { exitCode, ...cost } = JSON.parse(stdout) as Cost & { exitCode: number };
  if (exitCode !== 0) throw new Error(`${contender.command.join(' ')} exited with ${exitCode}`);
  return cost;
}

/**
 * Medians of `rounds` runs each, taken in turn after one warm-up, so that what else the machine does
 * falls on all of them alike.
 */
export async function compareCosts(
  contenders: readonly Contender[],
  rounds: number,
): Promise<Cost[]> {
  const costs: Cost[][] = contenders.map(() => []);
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      const cost = await measureOnce(contender);
      if (round >= 0) costs[index]?.push(cost);
    }
  }
  return costs.map((runs) => ({
    wallMs: median(runs.map(({ wallMs }) => wallMs)),
    peakMiB: median(runs.map(({ peakMiB }) => peakMiB)),
  }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** One line of a report: both figures, the ratio, and the goal it is held against. */
export function reportRatio(
  name: string,
  ours: number,
  theirs: number,
  unit: string,
  goal: number,
): void {
  const ratio = theirs / ours;
  const verdict = ratio >= goal ? 'ok' : 'MISSED';
  console.log(
    `${name.padEnd(44)} mlts ${ours.toFixed(1).padStart(8)} ${unit}   MLflow ${theirs.toFixed(1).padStart(8)} ${unit}` +
      `   ${ratio.toFixed(1).padStart(6)} x  (goal ${goal} x: ${verdict})`,
  );
}
