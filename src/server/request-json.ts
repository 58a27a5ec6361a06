import { isUtf8 } from 'node:buffer';
import { InvalidInput } from '../core/errors.ts';
import type { HttpRequest } from '../http/server.ts';
import type { Fields } from './message.ts';

type Json = Readonly<Record<string, unknown>>;

const NOTHING: Json = {};

/**
 * What a request says, before its types are looked at: the query of a GET that has one, else the body
 * (`mlflow/server/handlers.py`, `_get_request_message`).
 *
 * @throws InvalidInput for a POST or PUT that is not called JSON, and for a body that is no object.
 */
export function readRequestJson(request: HttpRequest, fields: Fields): Json {
  if (request.method === 'GET' && request.query !== '') return readQuery(request.query, fields);
  checkContentType(request);
  return readJsonBody(request.body);
}

function checkContentType({ method, headers }: HttpRequest): void {
  if (method !== 'POST' && method !== 'PUT') return;
  const type = headers['content-type'];
  if (type !== undefined && type.split(';', 1)[0] === 'application/json') return;
  throw new InvalidInput(
    type === undefined
      ? 'the request has no Content-Type: it must be application/json'
      : 'the Content-Type of the request must be application/json',
  );
}

/** Fields that may come several times are lists, however often they come. */
function readQuery(query: string, fields: Fields): Json {
  const args = new URLSearchParams(query);
  const json: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(fields)) {
    if (!args.has(name)) continue;
    const value = args.get(name) ?? '';
    if (Array.isArray(spec)) json[name] = args.getAll(name);
    else json[name] = spec === 'bool' ? readBoolean(value) : value;
  }
  return json;
}

function readBoolean(value: string): boolean {
  const lower = value.toLowerCase();
  if (lower === 'true' || lower === 'false') return lower === 'true';
  throw new InvalidInput(`\`${value}\` is neither true nor false`);
}

/** A body that is no JSON is as if there was none; old clients send JSON within a JSON string. */
function readJsonBody(body: Buffer): Json {
  if (body.length === 0) return NOTHING;
  const text = decodeText(body);
  let json = text === undefined ? undefined : parse(text);
  if (typeof json === 'string') {
    json = parse(json);
    if (json === undefined) throw new InvalidInput('the body holds a string that is no JSON');
  }
  if (json === undefined || json === null) return NOTHING;
  if (typeof json === 'object' && !Array.isArray(json)) return json as Json;
  throw new InvalidInput('the body must be a JSON object');
}

/**
 * As Python's `json.loads` reads bytes: UTF-8 with a mark at its beginning too, which some Windows programs
 * put there, and UTF-16. Undefined for what is neither.
 */
function decodeText(body: Buffer): string | undefined {
  const [first, second] = body;
  if (first === 0xfe || first === 0) return decodeStrictly(body, 'utf-16be');
  if (first === 0xff || second === 0) return decodeStrictly(body, 'utf-16le');
  if (!isUtf8(body)) return undefined;
  return body.toString('utf8', first === 0xef ? UTF8_MARK_BYTES : 0);
}

const UTF8_MARK_BYTES = 3;

function decodeStrictly(body: Buffer, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/** Python writes and reads NaN and the infinities as bare words. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(
        text.replace(STRING_OR_NUMBER, (word) => (word[0] === '"' ? word : `"${word}"`)),
      );
    } catch {
      return undefined;
    }
  }
}
