import type { Question } from './server-questions.ts';

interface Difference {
  readonly question: Question;
  readonly theirs: Answer;
  readonly ours: Answer;
  /** MLflow's answer with all its words. */
  readonly says: unknown;
}

/** Asks MLflow's server and ours the same, in turn, and returns what they answer differently; `isMeant`: on purpose. */
export async function findDifferences(
  [theirUri, ourUri]: readonly [theirs: string, ours: string],
  questions: readonly Question[],
  isMeant: (question: Question, theirs: Answer, ours: Answer) => boolean,
): Promise<readonly Difference[]> {
  const [theirIds, ourIds]: [Ids, Ids] = [new Map(), new Map()];
  const differences: Difference[] = [];
  for (const question of questions) {
    const [their, our] = await Promise.all([
      askServer(theirUri, question, theirIds),
      askServer(ourUri, question, ourIds),
    ]);
    const [theirs, ours] = [settleAnswer(their, theirIds), settleAnswer(our, ourIds)];
    if (isSame(theirs, ours) || isMeant(question, theirs, ours)) continue;
    differences.push({ question, theirs, ours, says: their.body });
  }
  return differences;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Of one server: what they are called in questions, and what they are there. */
type Ids = Map<string, string>;

async function askServer(uri: string, question: Question, ids: Ids): Promise<Answer> {
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
function settleAnswer({ status, body }: Answer, ids: Ids): Answer {
  return { status, body: settle(body, ids) };
}

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
    /[0-9a-f]{32}|\b\d{18}\b/g,
    (id) => [...ids].find(([, own]) => own.endsWith(id))?.[0] ?? 'ID',
  );
}

export function isSame(a: Answer, b: Answer): boolean {
  return JSON.stringify(sort(a)) === JSON.stringify(sort(b));
}

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
