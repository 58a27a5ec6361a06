import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { type Answer, findDifferences } from './server-answers.ts';
import { listOddities } from './server-oddities.ts';
import { listPages, listTagLists } from './server-pages.ts';
import { listQuestions, PREPARATION, type Question } from './server-questions.ts';

let theirs: RunningServer;
let ours: MltsServer;
beforeAll(async () => {
  [theirs, ours] = await Promise.all([startMlflowServer(), startMltsServer()]);
});
afterAll(async () => {
  await Promise.all([theirs?.stop(), ours?.stop()]);
});

/** Where mlts answers otherwise on purpose. */
function isMeant({ raw, path, body }: Question, their: Answer, our: Answer): boolean {
  // MLflow stumbles, with a page that is no JSON or with a traceback of its database.
  if (their.status >= 500 && our.status < 500) return true;
  // Unknown addresses and methods are told as JSON.
  if (their.body === 'no JSON' && their.status === our.status) return true;
  // A body that is no object is taken for an empty one where nothing is required.
  if (raw === '[]' && our.status === 400) return true;
  // What a database says, in its words and with the statement.
  if (codeOf(their) === 'BAD_REQUEST' && our.status <= 400) return true;
  // Names of models that would not fit into their columns on every database.
  if (JSON.stringify([path, body]).includes('x'.repeat(300)) && our.status === 400) return true;
  // The model is the one in the path; MLflow takes the one in the body, whatever the path says.
  if (path === 'logged-models/$model' && their.status === 404) return true;
  // Traces and webhooks are not served, and nothing is a page of no results.
  return codeOf(our) === 'ENDPOINT_NOT_FOUND' || path.includes('max_results=0');
}

function codeOf({ body }: Answer): unknown {
  return (body as { error_code?: unknown }).error_code;
}

test('hundreds of questions, good and bad, get the answers that MLflow gives', async () => {
  const lists = [listQuestions, listOddities, listPages, listTagLists];
  const questions = [...PREPARATION, ...lists.flatMap((list) => [...list()])];
  expect(questions.length).toBeGreaterThan(1_000);
  const differences = await findDifferences([theirs.uri, ours.uri], questions, isMeant);
  expect(differences).toEqual([]);
}, 300_000);
