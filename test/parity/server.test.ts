import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startMlflowServer } from '../setup/mlflow.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import { listOddities } from './server-oddities.ts';
import { listModelHistory, listPages } from './server-pages.ts';
import { listQuestions, PREPARATION, type Question } from './server-questions.ts';

let theirs: RunningServer;
let ours: MltsServer;
beforeAll(async () => {
  [theirs, ours] = await Promise.all([startMlflowServer(), startMltsServer()]);
});
afterAll(async () => {
  await Promise.all([theirs?.stop(), ours?.stop()]);
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

type Ids = Map<string, string>;

async function ask(uri: string, question: Question, ids: Ids): Promise<Answer> {
  const { method, path, body, raw, keep } = question;
  const fill = (text: string) =>
    text.replace(/\$(\w+)/g, (word, name: string) => ids.get(name) ?? word);
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const contentType = 'contentType' in question ? question.contentType : 'application/json';
  const answer = await fetch(`${uri}/api/2.0/mlflow/${fill(path)}`, {
    method,
    headers: contentType === undefined ? {} : { 'content-type': contentType },
    ...(sent === undefined ? {} : { body: Buffer.from(fill(sent)) }),
  });
  const text = await answer.text();
  const json = parse(text);
  if (keep !== undefined) ids.set(keep[0], String(readPath(json, keep[1])));
  return { status: answer.status, body: json };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return 'no JSON';
  }
}

function readPath(json: unknown, path: string): unknown {
  return path.split('.').reduce((at, name) => (at as Record<string, unknown>)[name], json);
}

const RANDOM_NAME = /^[a-z]+-[a-z]+-\d+$/;
const TIME = /_(time|timestamp|timestamp_ms)$/;

/** What differs from server to server is left out: ids, times of now, names made up, words of errors. */
function settle(value: unknown, ids: Ids, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => settle(item, ids));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => name !== 'message')
        .map(([name, inner]) => [name, settle(inner, ids, name)]),
    );
  }
  if (typeof value === 'number' && TIME.test(key) && value > 1e12) return 'NOW';
  if (typeof value !== 'string') return value;
  if (key === 'next_page_token') return Buffer.from(value, 'base64').toString('utf8');
  if (RANDOM_NAME.test(value)) return 'NAME';
  return value.replace(
    /[0-9a-f]{32}/g,
    (id) => [...ids].find(([, own]) => own.endsWith(id))?.[0] ?? 'ID',
  );
}

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
  const [theirIds, ourIds]: [Ids, Ids] = [new Map(), new Map()];
  const differences: unknown[] = [];
  let count = 0;
  const questions = [listQuestions, listOddities, listPages, listModelHistory];
  for (const question of [...PREPARATION, ...questions.flatMap((list) => [...list()])]) {
    const [their, our] = await Promise.all([
      ask(theirs.uri, question, theirIds),
      ask(ours.uri, question, ourIds),
    ]);
    count += 1;
    const [a, b] = [
      { ...their, body: settle(their.body, theirIds) },
      { ...our, body: settle(our.body, ourIds) },
    ];
    if (JSON.stringify(sort(a)) === JSON.stringify(sort(b)) || isMeant(question, a, b)) continue;
    differences.push({ question, theirs: a, ours: b, says: their.body });
  }
  expect(count).toBeGreaterThan(1_000);
  expect(differences).toEqual([]);
}, 300_000);

/** Databases give tags, params and metrics in any order. */
function keyOf(item: unknown): string {
  return String((item as { key?: unknown } | null)?.key ?? '');
}

function sort(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .map(sort)
      .sort((a, b) => Number(keyOf(a) > keyOf(b)) - Number(keyOf(a) < keyOf(b)));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sort(inner)]),
  );
}
