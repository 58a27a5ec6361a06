import fc from 'fast-check';
import { BASES, PREPARATION } from '../parity/server-questions.ts';

/** A request with something wrong in it, most of the time. */
export interface FuzzedRequest {
  readonly method: string;
  /** After `/api/2.0/mlflow/`, the query included. */
  readonly path: string;
  /** Undefined for a GET. */
  readonly body: Buffer | undefined;
  readonly contentType: string;
}

/** Ids of one server by their names, such as `run`. */
export type Ids = ReadonlyMap<string, string>;

const LONG = 'x'.repeat(9_000);
const HOSTILE: readonly unknown[] = [
  '',
  null,
  true,
  -1,
  2 ** 63,
  1e308,
  '9223372036854775808',
  'NaN',
  "'; drop table runs; --",
  "x' OR '1'='1",
  '" UNION SELECT password_hash FROM users --',
  '%00',
  'nul\u0000byte',
  '\ud800 lone',
  'line\r\nX-Evil: 1',
  '../../../etc/passwd',
  '..%2f..%2fetc',
  '__proto__',
  '\u202eright to left',
  '🏃'.repeat(300),
  LONG,
  [],
  [null],
  [[]],
  {},
  { __proto__: null, key: 'a' },
  [{ key: LONG, value: LONG, timestamp: -1, step: 1.5 }],
];

const hostile = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'grapheme', maxLength: 50 }),
  fc.double(),
  fc.bigInt().map(String),
);

const FILTERS = [
  "metrics.m > '",
  'metrics.`a"b` > 1',
  "tags.x LIKE '%' AND (",
  "attributes.run_name = 'a' OR 1=1",
  `params.${'a'.repeat(500)} = 'x'`,
  "name = '\u0000'",
  'metrics.m > 1 AND '.repeat(200),
];

const NAMES = [...new Set(BASES.flatMap(([, , body]) => Object.keys(body)))];

/** One of the requests that succeed, with up to three fields that are missing, wrong or more. */
const mutated = fc
  .record({
    base: fc.constantFrom(...BASES),
    changes: fc.array(
      fc.record({
        name: fc.oneof(fc.nat(), fc.constantFrom(...NAMES)),
        value: fc.option(fc.oneof({ weight: 4, arbitrary: hostile }, fc.constantFrom(...FILTERS)), {
          nil: undefined,
        }),
      }),
      { maxLength: 3 },
    ),
  })
  .map(({ base: [method, path, fields], changes }) => {
    const own = Object.keys(fields);
    const body: Record<string, unknown> = { ...fields };
    for (const { name, value } of changes) {
      body[typeof name === 'string' ? name : (own[name % own.length] ?? 'x')] = value;
    }
    return { method, path, body };
  });

const nest = (open: string, close: string, depth: number) =>
  `${open.repeat(depth)}1${close.repeat(depth)}`;

/** What is done to the bytes of a body. */
const spoil = fc.oneof(
  { weight: 8, arbitrary: fc.constant((text: string) => Buffer.from(text)) },
  fc.nat(400).map((at) => (text: string) => Buffer.from(text.slice(0, at))),
  fc.nat(400).map((at) => (text: string) => {
    const bytes = Buffer.from(text);
    if (bytes.length > 0) bytes[at % bytes.length] = 0xff;
    return bytes;
  }),
  fc.constantFrom<(text: string) => Buffer>(
    (text) => Buffer.from(`\ufeff${text}`),
    (text) => Buffer.from(text, 'utf16le'),
    (text) => Buffer.from(text + text),
    (text) => Buffer.from(text.replace('{', '{"run_id":1,"run_id":[],"__proto__":{"a":1},')),
    (text) => Buffer.from(text.replace(/:("[^"]*"|\d+)/, () => `:${nest('[', ']', 20_000)}`)),
    (text) => Buffer.from(text.replace(/\[/, () => `[${nest('{"key":', '}', 5_000)},`)),
    () => Buffer.from(nest('[', ']', 100_000)),
    () => Buffer.from(nest('{"a":', '}', 50_000)),
    () => Buffer.from('NaN'),
    () => Buffer.alloc(100),
  ),
);

const CONTENT_TYPES = ['application/json', 'application/json;charset=utf-16', 'text/plain', 'x/y'];

/** The same ones for the same seed. */
export function fuzzRequests(count: number, seed: number): readonly FuzzedRequest[] {
  const request = fc
    .record({
      wrong: mutated,
      spoil,
      contentType: fc.oneof(
        { weight: 9, arbitrary: fc.constant('application/json') },
        fc.constantFrom(...CONTENT_TYPES),
      ),
    })
    .map(({ wrong: { method, path, body }, spoil, contentType }): FuzzedRequest => {
      if (method === 'GET')
        return { method, path: addQuery(path, body), body: undefined, contentType };
      return { method, path, body: spoil(JSON.stringify(body)), contentType };
    });
  return fc.sample(request, { numRuns: count, seed });
}

function addQuery(path: string, fields: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      query.append(name, typeof item === 'string' ? item : (JSON.stringify(item) ?? ''));
    }
  }
  return `${path}?${query.toString().replaceAll('%24', '$')}`;
}

/** The request with the ids of one server. */
export async function send(uri: string, request: FuzzedRequest, ids: Ids): Promise<Response> {
  const fill = (text: string) =>
    text.replace(/\$(\w+)/g, (word, name: string) => ids.get(name) ?? word);
  const { method, path, body, contentType } = request;
  return fetch(`${uri}/api/2.0/mlflow/${fill(path)}`, {
    method,
    headers: { 'content-type': contentType },
    ...(body === undefined ? {} : { body: fillBytes(body, fill) }),
  });
}

/** What is no text stays as it is. */
function fillBytes(body: Buffer, fill: (text: string) => string): Buffer<ArrayBuffer> {
  return Buffer.from(fill(body.toString('latin1')), 'latin1');
}

/** Makes what the requests name, and returns its ids. */
export async function prepare(uri: string): Promise<Ids> {
  const ids = new Map<string, string>();
  for (const { method, path, body, keep } of PREPARATION) {
    const raw = Buffer.from(JSON.stringify(body ?? {}));
    const answer = await send(
      uri,
      { method, path, body: raw, contentType: 'application/json' },
      ids,
    );
    const json: unknown = await answer.json();
    if (keep === undefined) continue;
    const [name, where] = keep;
    const value = where
      .split('.')
      .reduce((at, part) => (at as Record<string, unknown>)[part], json);
    ids.set(name, String(value));
  }
  return ids;
}
