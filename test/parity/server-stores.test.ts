import { afterEach, expect, test } from 'vitest';
import { type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { type Answer, findDifferences, isSame } from './server-answers.ts';
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
  const questions = [...PREPARATION, ...READ_AGAIN, ...listPlainQuestions(), ...READ_AGAIN];
  const differences = await findDifferences(
    [theirs.uri, ours.uri],
    questions,
    (_question, their, our) => isSame(leaveOut(their), leaveOut(our)),
  );
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
