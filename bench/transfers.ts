import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { ensureMlflow, mlflowEnv, type RunningServer } from '../test/setup/mlflow.ts';
import { startMltsServer } from '../test/setup/mlts-server.ts';
import { compareCosts, reportRatio } from './measure.ts';
import { startS3Gateway } from './s3.ts';
import { startUsualMlflow } from './usual-mlflow.ts';

/**
 * Artifacts on their way: 1,000 small files and one large one, up and down, through S3 and through the
 * proxy of either server. All write to the disk of this machine, so that the large file measures the
 * clients and the disk, the small ones what each file costs. `BENCH_ROUTES` (s3,mlflow,mlts) names what
 * is measured.
 */
const mlts = resolve(import.meta.dirname, '../bin/mlts.cjs');
const FILES = 1_000;
const SMALL_BYTES = 4 * 1024;
const LARGE_BYTES = Number(process.env.BENCH_LARGE_MIB ?? 2_048) * 1024 * 1024;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const ROUTES = (process.env.BENCH_ROUTES ?? 's3,mlflow,mlts').split(',');

interface Route {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly artifactLocation?: string;
}

export async function benchTransfers(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-bench-'));
  try {
    await writeSources(folder);
    if (ROUTES.includes('s3')) await benchS3(folder);
    // As many workers as MLflow starts by itself: the set-up for tests makes do with one.
    if (ROUTES.includes('mlflow')) {
      const start = () => startUsualMlflow();
      await benchProxy(folder, "MLflow's server", start);
    }
    if (ROUTES.includes('mlts')) await benchProxy(folder, 'mlts server', () => startMltsServer());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeSources(folder: string): Promise<void> {
  await mkdir(join(folder, 'small'));
  for (let index = 0; index < FILES; index += 1) {
    await writeFile(join(folder, 'small', `${index}.bin`), Buffer.alloc(SMALL_BYTES, index));
  }
  await mkdir(join(folder, 'large'));
  const file = await open(join(folder, 'large', 'large.bin'), 'w');
  const chunk = Buffer.alloc(16 * 1024 * 1024, 'large');
  for (let written = 0; written < LARGE_BYTES; written += chunk.length) await file.write(chunk);
  await file.close();
}

async function benchS3(folder: string): Promise<void> {
  const stored = join(folder, 'buckets');
  await mkdir(join(stored, 'bench'), { recursive: true });
  const gateway = await startS3Gateway(stored);
  try {
    const uri = `sqlite:///${join(folder, 's3.db')}`;
    const env = { MLFLOW_TRACKING_URI: uri, ...gateway.env };
    await benchRoute(folder, { name: 'S3', env, artifactLocation: 's3://bench/artifacts' });
  } finally {
    await gateway.stop();
  }
}

async function benchProxy(
  folder: string,
  name: string,
  start: () => Promise<RunningServer>,
): Promise<void> {
  const server = await start();
  try {
    await benchRoute(folder, { name, env: { MLFLOW_TRACKING_URI: server.uri } });
  } finally {
    await server.stop();
  }
}

async function benchRoute(folder: string, route: Route): Promise<void> {
  const { mlflow } = await ensureMlflow();
  const env = mlflowEnv({ ...route.env });
  const programs = [
    { name: 'mlts', program: mlts },
    { name: 'MLflow', program: mlflow },
  ];
  const experimentId = await createExperiment(route, env);
  for (const { kind, goal } of [
    { kind: 'small', goal: 3 },
    { kind: 'large', goal: 1 },
  ]) {
    const runs = new Map<string, string>();
    const compare = async (title: string, verb: (name: string) => readonly string[]) => {
      const contenders = programs.map(({ name, program }) => ({
        name,
        command: [program, 'artifacts', ...verb(name)],
        env,
        cwd: folder,
        before: () => rm(join(folder, `got-${name}`), { recursive: true, force: true }),
      }));
      const [ours, theirs] = await compareCosts(contenders, ROUNDS);
      if (ours === undefined || theirs === undefined) return;
      reportRatio(title, ours.wallMs, theirs.wallMs, 'ms', goal);
      console.log(
        `${''.padEnd(44)} peak ${ours.peakMiB.toFixed(0)} MiB, ${theirs.peakMiB.toFixed(0)} MiB`,
      );
    };
    for (const { name } of programs) runs.set(name, await createRun(experimentId, env));
    const runOf = (name: string): string => runs.get(name) ?? '';
    const what = kind === 'small' ? `${FILES} small files` : `${LARGE_BYTES / 2 ** 20} MiB`;
    await compare(`${route.name}: upload ${what}`, (name) => [
      'log-artifacts',
      '--run-id',
      runOf(name),
      '--local-dir',
      join(folder, kind),
    ]);
    await compare(`${route.name}: download ${what}`, (name) => [
      'download',
      '--run-id',
      runOf(name),
      '--dst-path',
      join(folder, `got-${name}`),
    ]);
    for (const { name } of programs) await rm(join(folder, `got-${name}`), { recursive: true });
  }
}

async function createExperiment(
  { artifactLocation }: Route,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  if (artifactLocation === undefined) return '0';
  const name = ['--experiment-name', 'bench'];
  await call(['experiments', 'create', ...name, '--artifact-location', artifactLocation], env);
  const found = await call(['experiments', 'get', ...name, '--output', 'json'], env);
  return String((JSON.parse(found) as { experiment_id: string }).experiment_id);
}

async function createRun(
  experimentId: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const created = await call(['runs', 'create', '--experiment-id', experimentId], env);
  return String((JSON.parse(created) as { run_id: string }).run_id);
}

async function call(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  return (await execa(mlts, args, { env, extendEnv: false })).stdout;
}
