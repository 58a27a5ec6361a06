import { afterEach, expect, test } from 'vitest';
import { type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { type Answer, askServer, type Ids, isSame, settleAnswer } from './server-answers.ts';
import { listPlainQuestions, PREPARATION, type Question } from './server-questions.ts';

let theirs: RunningServer;
let ours: MltsServer;
afterEach(async () => {
  await Promise.all([theirs?.stop(), ours?.stop()]);
});

const READ_AGAIN: readonly Question[] = [
  'experiments/get?experiment_id=0',
  'experiments/get?experiment_id=$experiment',
  'runs/get?run_id=$run',
  'logged-models/$model',
  'registered-models/get?name=rm',
  'model-versions/get?name=rm&version=1',
  'model-versions/get?name=rm&version=3',
  'model-versions/get-download-uri?name=rm&version=2',
  'model-versions/get-download-uri?name=rm&version=3',
].map((path) => ({ method: 'GET', path }));

test.each([
  ['a folder', ['--backend-store-uri', 'mlruns']],
  ['a registry of its own', ['--registry-store-uri', 'sqlite:///models.db']],
  ['a registry in a folder', ['--registry-store-uri', 'models']],
  ['runs in a folder', ['--backend-store-uri', 'mlruns', '--registry-store-uri', 'sqlite:///m.db']],
])('a server with %s gives the addresses and data that MLflow gives', async (_name, stores) => {
  [theirs, ours] = await Promise.all([
    startMlflowServer(stores, { MLFLOW_ALLOW_FILE_STORE: 'true' }),
    startMltsServer(stores),
  ]);
  const [theirIds, ourIds]: [Ids, Ids] = [new Map(), new Map()];
  const differences: unknown[] = [];
  for (const question of [...PREPARATION, ...READ_AGAIN, ...listPlainQuestions(), ...READ_AGAIN]) {
    const [their, our] = await Promise.all([
      askServer(theirs.uri, question, theirIds),
      askServer(ours.uri, question, ourIds),
    ]);
    const [a, b] = [settleAnswer(their, theirIds), settleAnswer(our, ourIds)].map(leaveOut);
    if (a !== undefined && b !== undefined && isSame(a, b)) continue;
    differences.push({ question, theirs: a, ours: b });
  }
  expect(differences).toEqual([]);
});

/** What MLflow's own folder adds to the answers of its databases; mlts answers alike on all stores. */
function leaveOut({ status, body }: Answer): Answer {
  const kept = JSON.stringify(body, function (this: unknown, key: string, value: unknown) {
    const isOfMetric = key === 'run_id' && typeof this === 'object' && 'timestamp' in (this ?? {});
    const isEmpty = key === 'outputs' && JSON.stringify(value) === '{}';
    if (isOfMetric || isEmpty || key === 'aliases') return undefined;
    return key === 'latest_versions' ? sortByVersion(value) : value;
  });
  return { status, body: JSON.parse(kept) };
}

/** MLflow takes them as its folder lists them, in any order. */
function sortByVersion(versions: unknown): unknown {
  return (versions as { version: string }[]).toSorted(
    (a, b) => Number(a.version) - Number(b.version),
  );
}
