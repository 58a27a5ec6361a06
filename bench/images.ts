import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { BASE_IMAGE, docker, ensureDocker } from '../test/setup/docker.ts';
import { ensureMlflow, findFreePort, mlflowEnv } from '../test/setup/mlflow.ts';
import { compareCosts, median, reportRatio } from './measure.ts';

/**
 * What the image of a scikit-learn model costs: its size, the first build, the build after only the model has
 * changed, and a container's way to its first answer; beside MLflow's, on the same base image, model and daemon.
 */
const mlts = resolve(import.meta.dirname, '../bin/mlts.cjs');
const ROUNDS = 3;

const SAVE_MODEL = `
import sys, warnings
import mlflow, numpy as np, pandas as pd
from mlflow.models import infer_signature
from sklearn.ensemble import GradientBoostingClassifier
warnings.filterwarnings("ignore")
rows = pd.DataFrame(np.random.default_rng(0).normal(size=(500, 20)), columns=[f"f{i}" for i in range(20)])
model = GradientBoostingClassifier().fit(rows, rows.f0 + rows.f1 > 0)
signature = infer_signature(rows, model.predict(rows).astype("int64"))
mlflow.sklearn.save_model(model, sys.argv[1], signature=signature, serialization_format="cloudpickle")
`;

interface Contender {
  readonly image: string;
  readonly program: string;
}

export async function benchImages(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-bench-'));
  const { mlflow, python } = await ensureMlflow();
  const model = join(folder, 'model');
  const ours = { image: 'mlts-bench-image', program: mlts };
  const theirs = { image: 'mlflow-bench-image', program: mlflow };
  try {
    await ensureDocker();
    await execa(python, ['-c', SAVE_MODEL, model], { env: mlflowEnv(), extendEnv: false });
    await benchGenerate(folder, [ours, theirs]);
    const base = await nameBaseImage(model);
    await benchBuilds(model, base, [ours, theirs]);
    await benchReady([ours, theirs]);
  } finally {
    await rm(folder, { recursive: true, force: true });
    const images = [ours.image, theirs.image];
    await execa('docker', ['image', 'rm', '--force', ...images], { reject: false });
  }
}

async function benchGenerate(
  folder: string,
  [ours, theirs]: readonly [Contender, Contender],
): Promise<void> {
  const contenders = [ours, theirs].map(({ image, program }) => {
    const out = join(folder, image);
    const args = ['models', 'generate-dockerfile', '-m', join(folder, 'model'), '-d', out];
    const before = () => rm(out, { recursive: true, force: true });
    return { name: image, command: [program, ...args], env: mlflowEnv(), before };
  });
  const [a, b] = await compareCosts(contenders, ROUNDS);
  reportRatio('generate-dockerfile', a?.wallMs ?? 0, b?.wallMs ?? 0, 'ms', 30);
}

/** The name under which both look for it. It is made anew, so that neither finds layers of an earlier build. */
async function nameBaseImage(model: string): Promise<string> {
  const text = await readFile(join(model, 'python_env.yaml'), 'utf8');
  const name = `python:${/^python: *(\S+)/m.exec(text)?.[1]}-slim`;
  const file = `FROM ${BASE_IMAGE}\nLABEL mlts.bench="${Date.now()}"\n`;
  await execa('docker', ['build', '--tag', name, '-'], {
    input: file,
    env: { DOCKER_BUILDKIT: '0' },
  });
  return name;
}

async function benchBuilds(
  model: string,
  base: string,
  [ours, theirs]: readonly [Contender, Contender],
): Promise<void> {
  const build = async ({ image, program }: Contender): Promise<number> => {
    const startedAt = performance.now();
    const args = ['models', 'build-docker', '-m', model, '-n', image, '--env-manager', 'local'];
    await execa(program, args, { env: mlflowEnv(), extendEnv: false });
    return performance.now() - startedAt;
  };
  const measureSize = async ({ image }: Contender): Promise<number> =>
    Number(await docker('inspect', '--format', '{{.Size}}', image)) / 1e6;
  console.log(`on ${base}`);
  const first = [await build(theirs), await build(ours)] as const;
  reportRatio('size', await measureSize(ours), await measureSize(theirs), 'MB', 2);
  reportRatio('first build', first[1] / 1_000, first[0] / 1_000, 's', 2);
  const again: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    await appendFile(join(model, 'note.txt'), 'changed\n');
    again[0].push(await build(ours));
    again[1].push(await build(theirs));
  }
  const [a, b] = again.map(median) as [number, number];
  reportRatio('build after the model has changed', a / 1_000, b / 1_000, 's', 10);
}

async function benchReady([ours, theirs]: readonly [Contender, Contender]): Promise<void> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    times[0].push(await measureReady(ours));
    times[1].push(await measureReady(theirs));
  }
  const [a, b] = times.map(median) as [number, number];
  reportRatio('ready: the first 200 at /ping', a / 1_000, b / 1_000, 's', 2);
}

async function measureReady({ image }: Contender): Promise<number> {
  const port = await findFreePort();
  const startedAt = performance.now();
  const id = await docker('run', '--detach', '--publish', `127.0.0.1:${port}:8080`, image);
  try {
    for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(20)) {
      const answer = await fetch(`http://127.0.0.1:${port}/ping`).catch(() => undefined);
      if (answer?.ok) return performance.now() - startedAt;
    }
    throw new Error(`${image} did not answer`);
  } finally {
    await docker('rm', '--force', '--volumes', id);
  }
}
