import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { ensureMlflow, mlflowEnv } from '../test/setup/mlflow.ts';
import { type Contender, compareCosts, measureOnce, reportRatio } from './measure.ts';

/**
 * What it costs to predict a CSV file of 20 columns with a small GradientBoosting model: ten rows, which is to say
 * starting and loading, and many; beside `mlflow models predict`. Peaks are those of the largest process.
 */
const mlts = resolve(import.meta.dirname, '../bin/mlts.cjs');
/** `BENCH_ROWS=50000` tries it. */
const ROWS = Number(process.env.BENCH_ROWS ?? 1_000_000);

const MAKE_FILES = `
import sys, warnings
import mlflow, numpy as np, pandas as pd
from mlflow.models import infer_signature
from sklearn.ensemble import GradientBoostingClassifier
warnings.filterwarnings("ignore")
folder, count = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(0)
make = lambda size: pd.DataFrame(random.normal(size=(size, 20)).round(6), columns=[f"f{i}" for i in range(20)])
rows = make(500)
model = GradientBoostingClassifier(n_estimators=20).fit(rows, rows.f0 + rows.f1 > 0)
signature = infer_signature(rows, model.predict(rows))
mlflow.sklearn.save_model(model, folder + "/model", signature=signature, serialization_format="cloudpickle")
make(10).to_csv(folder + "/few.csv", index=False)
many = make(count)
many.to_csv(folder + "/many.csv", index=False)
for part in range(10):
    many.to_csv(folder + "/more.csv", index=False, mode="a", header=part == 0)
`;

export async function benchPredict(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-bench-'));
  try {
    const { python } = await ensureMlflow();
    await execa(python, ['-c', MAKE_FILES, folder, String(ROWS)], {
      env: mlflowEnv(),
      extendEnv: false,
    });
    await benchFew(folder);
    await benchMany(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function chooseContenders(folder: string, name: string): Promise<[Contender, Contender]> {
  const { bin, mlflow } = await ensureMlflow();
  const env = mlflowEnv({ PATH: `${bin}:${process.env.PATH}` });
  const predict = (program: string, output: string): Contender => ({
    name: output,
    command: [
      ...[program, 'models', 'predict', '-m', join(folder, 'model'), '--env-manager', 'local'],
      ...['-t', 'csv', '-i', join(folder, `${name}.csv`), '-o', join(folder, `${output}.json`)],
    ],
    env,
  });
  return [predict(mlts, 'ours'), predict(mlflow, 'theirs')];
}

async function benchFew(folder: string): Promise<void> {
  const [ours, theirs] = await compareCosts(await chooseContenders(folder, 'few'), 5);
  if (ours === undefined || theirs === undefined) return;
  reportRatio('10 rows of CSV', ours.wallMs, theirs.wallMs, 'ms', 1.3);
}

async function benchMany(folder: string): Promise<void> {
  const contenders = await chooseContenders(folder, 'many');
  const [ours, theirs] = await compareCosts(contenders, 3);
  if (ours === undefined || theirs === undefined) return;
  await compareOutputs(folder);
  const count = ROWS.toLocaleString('en');
  reportRatio(`${count} rows of CSV`, ours.wallMs, theirs.wallMs, 'ms', 1);
  reportRatio(`${count} rows of CSV: peak memory`, ours.peakMiB, theirs.peakMiB, 'MiB', 3);
  const [more] = await chooseContenders(folder, 'more');
  const { wallMs, peakMiB } = await measureOnce(more);
  console.log(
    `ten times as many rows: ${peakMiB.toFixed(0)} MiB (${ours.peakMiB.toFixed(0)} MiB before), ${(wallMs / 1_000).toFixed(1)} s`,
  );
}

/** Figures of two that do not do the same say nothing. @throws Error */
async function compareOutputs(folder: string): Promise<void> {
  const [ours, theirs] = await Promise.all(
    ['ours', 'theirs'].map((name) => readFile(join(folder, `${name}.json`))),
  );
  if (ours === undefined || theirs === undefined || !ours.equals(theirs)) {
    throw new Error('the predictions are not those of MLflow');
  }
}
