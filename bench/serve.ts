import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { ensureMlflow, findFreePort, mlflowEnv } from '../test/setup/mlflow.ts';
import { type Load, loadUrl } from './load.ts';
import { median } from './measure.ts';
import { benchPeers } from './serve-peers.ts';
import { type Served, startServed } from './served.ts';

/**
 * What a model behind HTTP costs: scikit-learn's GradientBoosting with 20 columns of doubles and a
 * signature, and a custom model that goes the exact way, asked by 1, 16 and 64 connections; beside MLflow's
 * scoring server, BentoML and LitServe, all in one environment's Python.
 */
const mlts = resolve(import.meta.dirname, '../bin/mlts.cjs');
const SECONDS = Number(process.env.BENCH_SECONDS ?? 4);
const CONNECTIONS = [1, 16, 64];
const COLUMNS = Array.from({ length: 20 }, (_, index) => `f${index}`);

const SAVE_MODELS = `
import sys, warnings
import mlflow, numpy as np, pandas as pd
from mlflow.models import infer_signature
from sklearn.ensemble import GradientBoostingClassifier
warnings.filterwarnings("ignore")
rows = pd.DataFrame(np.random.default_rng(0).normal(size=(500, 20)), columns=[f"f{i}" for i in range(20)])
model = GradientBoostingClassifier().fit(rows, rows.f0 + rows.f1 > 0)
signature = infer_signature(rows, model.predict(rows).astype("int64"))
class Custom(mlflow.pyfunc.PythonModel):
    def __init__(self, model):
        self.model = model
    def predict(self, context, model_input):
        return self.model.predict(model_input)
mlflow.sklearn.save_model(model, sys.argv[1] + "/boosting", signature=signature, serialization_format="cloudpickle")
mlflow.pyfunc.save_model(sys.argv[1] + "/custom", python_model=Custom(model), signature=signature)
`;

export async function benchServe(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-bench-'));
  try {
    const { python } = await ensureMlflow();
    await execa(python, ['-c', SAVE_MODELS, folder], { env: mlflowEnv(), extendEnv: false });
    await benchStart(join(folder, 'boosting'));
    await benchQuick(join(folder, 'boosting'));
    await benchExact(join(folder, 'custom'));
    await benchPeers(join(folder, 'boosting'), makeRows, {
      connections: CONNECTIONS,
      seconds: SECONDS,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const makeRows = (count: number): readonly (readonly number[])[] =>
  Array.from({ length: count }, (_, row) => COLUMNS.map((_name, column) => (row + column) / 7 - 1));
const makeBody = (count: number): string =>
  JSON.stringify({ dataframe_split: { columns: COLUMNS, data: makeRows(count) } });

async function serveOurs(model: string, extra: readonly string[] = []): Promise<Served> {
  const { bin } = await ensureMlflow();
  const port = await findFreePort();
  const args = ['models', 'serve', '-m', model, '--env-manager', 'local', '-p', String(port)];
  return startServed([mlts, ...args, '--workers', '1', ...extra], {
    url: `http://127.0.0.1:${port}`,
    healthPath: '/ping',
    env: mlflowEnv({ PATH: `${bin}:${process.env.PATH}` }),
  });
}

async function serveMlflow(model: string, workers = 1): Promise<Served> {
  const { bin, mlflow } = await ensureMlflow();
  const port = await findFreePort();
  const args = ['models', 'serve', '-m', model, '--env-manager', 'local', '-p', String(port)];
  return startServed([mlflow, ...args, '--workers', String(workers)], {
    url: `http://127.0.0.1:${port}`,
    healthPath: '/ping',
    env: mlflowEnv({ PATH: `${bin}:${process.env.PATH}` }),
  });
}

async function measured<T>(
  served: Promise<Served>,
  work: (server: Served) => Promise<T>,
): Promise<T> {
  const server = await served;
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** Ready means: the first 200 at /ping, with the model loaded. */
async function benchStart(model: string): Promise<void> {
  const look = async (server: Served) => {
    await loadUrl(`${server.url}/invocations`, makeBody(1), { connections: 1, seconds: 1 });
    return { readyMs: server.readyMs, mib: await server.measureMemoryMiB() };
  };
  const [ours, theirs] = [[], []] as { readyMs: number; mib: number }[][];
  for (let round = 0; round < 3; round += 1) {
    ours?.push(await measured(serveOurs(model), look));
    theirs?.push(await measured(serveMlflow(model), look));
  }
  const middle = (looks: typeof ours, key: 'readyMs' | 'mib') =>
    median((looks ?? []).map((one) => one[key]));
  report('ready', middle(ours, 'readyMs'), middle(theirs, 'readyMs'), 'ms', 0.7);
  report('memory', middle(ours, 'mib'), middle(theirs, 'mib'), 'MiB', 0.65);
}

/** Less is better: `goal` is the largest part of MLflow's figure. */
function report(name: string, ours: number, theirs: number, unit: string, goal: number): void {
  const part = ours / theirs;
  console.log(
    `${name.padEnd(44)} mlts ${ours.toFixed(0).padStart(7)} ${unit}   MLflow ${theirs.toFixed(0).padStart(7)} ${unit}   ` +
      `${part.toFixed(2)} of it  (goal ${goal}: ${part <= goal ? 'ok' : 'MISSED'})`,
  );
}

async function loadAll(server: Served, body: string): Promise<Load[]> {
  const loads: Load[] = [];
  for (const connections of CONNECTIONS) {
    loads.push(await loadUrl(`${server.url}/invocations`, body, { connections, seconds: SECONDS }));
  }
  return loads;
}

function reportLoads(
  name: string,
  ours: readonly Load[],
  theirs: readonly Load[],
  goals: readonly (number | undefined)[],
): void {
  for (const [index, connections] of CONNECTIONS.entries()) {
    const [a, b, goal] = [ours[index], theirs[index], goals[index]];
    if (a === undefined || b === undefined) continue;
    const ratio = a.requestsPerSecond / b.requestsPerSecond;
    const verdict =
      goal === undefined ? '' : `  (goal ${goal} x: ${ratio >= goal ? 'ok' : 'MISSED'})`;
    console.log(
      `${`${name}, ${connections} connections`.padEnd(44)} mlts ${a.requestsPerSecond.toFixed(0).padStart(7)}/s   ` +
        `MLflow ${b.requestsPerSecond.toFixed(0).padStart(5)}/s   ${ratio.toFixed(1).padStart(6)} x${verdict}   ` +
        `p99 ${a.p99Ms.toFixed(1)} ms, MLflow's p50 ${b.p50Ms.toFixed(1)} ms${a.failed + b.failed > 0 ? `, FAILED ${a.failed}, ${b.failed}` : ''}`,
    );
  }
}

async function benchQuick(model: string): Promise<void> {
  const theirs = await measured(serveMlflow(model), (server) => loadAll(server, makeBody(1)));
  const ours = await measured(serveOurs(model), (server) => loadAll(server, makeBody(1)));
  reportLoads('one row', ours, theirs, [5, 8, 8]);
  const batching = ['--max-batch-size', '256'];
  const joined = await measured(serveOurs(model, batching), (server) =>
    loadAll(server, makeBody(1)),
  );
  reportLoads('one row, joined', joined, theirs, [undefined, 35, 120]);
  const manyTheirs = await measured(serveMlflow(model), (server) =>
    loadAll(server, makeBody(1_000)),
  );
  const many = await measured(serveOurs(model), (server) => loadAll(server, makeBody(1_000)));
  reportLoads('1,000 rows', many, manyTheirs, [4, 4, 4]);
}

async function benchExact(model: string): Promise<void> {
  const theirs = await measured(serveMlflow(model), (server) => loadAll(server, makeBody(1)));
  const ours = await measured(serveOurs(model), (server) => loadAll(server, makeBody(1)));
  reportLoads('a custom model, exact', ours, theirs, [1.3, 2, undefined]);
  const twoTheirs = await measured(serveMlflow(model, 2), (server) => loadAll(server, makeBody(1)));
  const two = await measured(serveOurs(model, ['--workers', '2']), (server) =>
    loadAll(server, makeBody(1)),
  );
  reportLoads('a custom model, exact, two workers', two, twoTheirs, [1.3, 2, undefined]);
}
