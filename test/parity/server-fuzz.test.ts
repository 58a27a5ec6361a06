import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type FuzzedRequest,
  fuzzRequests,
  type Ids,
  prepare,
  send,
} from '../setup/fuzzed-requests.ts';
import { type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';

let theirs: RunningServer;
let ours: MltsServer;
let [theirIds, ourIds]: [Ids, Ids] = [new Map(), new Map()];
beforeAll(async () => {
  [theirs, ours] = await Promise.all([startMlflowServer(), startMltsServer()]);
  [theirIds, ourIds] = await Promise.all([prepare(theirs.uri), prepare(ours.uri)]);
}, 300_000);
afterAll(async () => {
  await Promise.all([theirs?.stop(), ours?.stop()]);
});

const COUNT = 250;
const SEED = 11;

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(uri: string, request: FuzzedRequest, ids: Ids): Promise<Answer> {
  const answer = await send(uri, request, ids);
  return { status: answer.status, text: await answer.text() };
}

/** Where mlts answers otherwise on purpose. */
function isMeant({ path }: FuzzedRequest, their: Answer, our: Answer): boolean {
  // MLflow stumbles; mlts says what is wrong, or takes it.
  if (their.status >= 500 && our.status < 500) return true;
  // What a database says, in its words and with the statement; what is there already stays.
  if (their.text.includes('"BAD_REQUEST"') && our.status <= 400) return true;
  // The model is the one in the path; MLflow takes the one in the body, whatever the path says.
  if (path.startsWith('logged-models/$model') && their.status === 404) return true;
  // In place of messages MLflow stores rows without names.
  return our.text.includes('is no id of a logged model');
}

test(`${COUNT} requests with something wrong in them are taken or refused as MLflow does`, async () => {
  const differences: unknown[] = [];
  for (const request of fuzzRequests(COUNT, SEED)) {
    const [their, our] = await Promise.all([
      ask(theirs.uri, request, theirIds),
      ask(ours.uri, request, ourIds),
    ]);
    const isAlike = Math.floor(their.status / 100) === Math.floor(our.status / 100);
    if (isAlike || isMeant(request, their, our)) continue;
    const sent = `${request.method} ${request.path} ${request.body?.toString().slice(0, 600)}`;
    differences.push({ sent, theirs: their, ours: our });
  }
  expect(differences).toEqual([]);
}, 300_000);
