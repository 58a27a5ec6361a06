import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { addRuns, removeOtherRuns } from '../test/setup/many-runs.ts';
import { drawLines, type Series } from './line-chart.ts';
import { type Contest, startContest } from './server.ts';
import { type Asked, createRun, loadServer } from './server-load.ts';

/**
 * How long both servers take for one request as the database grows, over one connection, drawn as a picture.
 * `BENCH_SIZES` (1000,10000,100000) runs; `BENCH_SECONDS` (3) for each figure; `BENCH_PICTURE` (server-growth.svg).
 */
const SIZES = (process.env.BENCH_SIZES ?? '1000,10000,100000').split(',').map(Number);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const PICTURE = resolve(process.env.BENCH_PICTURE ?? 'server-growth.svg');
const POINTS = 1_000;

const ASKED: readonly (readonly [Asked, color: string])[] = [
  ['runs/search, page of 100', '#2166ac'],
  ['runs/create', '#1b7837'],
  ['log-batch of 100 metrics', '#762a83'],
  // The last one: MLflow does not get to its end among 100,000 runs, and holds its database locked meanwhile.
  ['runs/search, filter and order', '#b2182b'],
];

export async function benchServerGrowth(): Promise<void> {
  const contest = await startContest();
  const lines = ASKED.flatMap(([asked, color]) => [
    { name: `mlts ${asked}`, color, isDashed: false, points: [] as [number, number][] },
    { name: `MLflow ${asked}`, color, isDashed: true, points: [] as [number, number][] },
  ]);
  try {
    let filled = 0;
    for (const size of SIZES) {
      contest.databases.forEach(removeOtherRuns);
      for (const path of contest.databases) addRuns(path, filled, size, POINTS);
      filled = size;
      for (const [index, [asked]] of ASKED.entries()) {
        const [ours, theirs] = await compare(contest, asked, size);
        lines[index * 2]?.points.push([size, ours]);
        lines[index * 2 + 1]?.points.push([size, theirs]);
      }
    }
  } finally {
    await contest.stop();
  }
  await draw(lines);
}

/** Milliseconds for a request. */
async function compare({ ours, theirs }: Contest, asked: Asked, size: number) {
  /** What takes longer than all of the time is given ten times as much. */
  const measure = async (uri: string, seconds = SECONDS): Promise<number> => {
    const amount = { connections: 1, seconds };
    const runId = asked.startsWith('log-batch') ? await createRun(uri) : '';
    const { requestsPerSecond } = await loadServer(uri, asked, runId, amount);
    if (requestsPerSecond === 0 && seconds === SECONDS) return measure(uri, seconds * 10);
    return 1_000 / requestsPerSecond;
  };
  const [a, b] = [await measure(ours.uri), await measure(theirs.uri)];
  const told = Number.isFinite(b)
    ? `${b.toFixed(1)} ms: ${(b / a).toFixed(1)} x`
    : `no answer in ${SECONDS * 10} s: more than ${((SECONDS * 10_000) / a).toFixed(0)} x`;
  console.log(`${`${asked}, ${size} runs`.padEnd(46)} ${a.toFixed(2)} against ${told}`);
  return [a, b] as const;
}

async function draw(lines: readonly Series[]): Promise<void> {
  const measured = lines.map((line) => ({
    ...line,
    points: line.points.filter(([, y]) => Number.isFinite(y)),
  }));
  const title = 'One request of a tracking server on SQLite, as runs become more';
  await writeFile(PICTURE, drawLines(title, 'runs in the database', 'milliseconds', measured));
  console.log(`drawn: ${PICTURE}`);
}
