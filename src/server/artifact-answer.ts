import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { guessContentType } from '../artifacts/content-type.ts';
import type { ResumePoint } from '../artifacts/store.ts';
import { InvalidInput, NotFound } from '../core/errors.ts';
import { describeFile, openParts, readFileRange } from '../host/file-transfer.ts';
import type { HttpAnswer, HttpRequest } from '../http/server.ts';
import type { Place } from './artifact-places.ts';

/** `mlflow/utils/mime_type_utils.py`: shown as text, whatever their type is elsewhere. */
const TEXTS = new Set([
  ...['txt', 'log', 'err', 'cfg', 'conf', 'cnf', 'cf', 'ini', 'properties', 'prop', 'hocon'],
  ...['toml', 'yaml', 'yml', 'xml', 'json', 'js', 'py', 'py3', 'csv', 'tsv', 'md', 'rst'],
  ...['ipynb', 'MLmodel', 'mlproject'],
]);

/**
 * Hands a file out as an attachment, so that no page among the artifacts is run by a browser
 * (`mlflow/server/handlers.py`, `_send_artifact`). A part of it where `Range` asks for one.
 *
 * @throws NotFound; InvalidInput for a folder.
 */
export async function answerFile(place: Place, request: HttpRequest): Promise<HttpAnswer> {
  try {
    const answer = await (place.file === undefined
      ? answerRemote(place, request)
      : answerLocal(place, place.file, request));
    if (!(answer.body instanceof Readable)) await place.release();
    else answer.body.once('close', () => void place.release());
    return answer;
  } catch (error) {
    const failure = error instanceof NotFound ? await explainMissing(place, request) : error;
    await place.release();
    throw failure;
  }
}

async function explainMissing({ store, path }: Place, { signal }: HttpRequest): Promise<Error> {
  const inside = await store.list(path, signal).catch(() => []);
  if (inside.length > 0) return new InvalidInput(`\`${path}\` is a folder, and no file`);
  return new NotFound(`there is no artifact \`${path}\``);
}

const START: ResumePoint = { offset: 0, version: undefined };

/** The rest of a file, where the store can say that it is still the same: a download that broke off goes on. */
async function answerRemote({ store, path }: Place, request: HttpRequest): Promise<HttpAnswer> {
  const { range = '', 'if-range': sent } = request.headers;
  const version = typeof sent === 'string' ? sent : undefined;
  const [, wanted = '0'] = /^bytes=(\d{1,15})-$/.exec(range) ?? [];
  const from = { offset: version === undefined ? 0 : Number(wanted), version };
  const read = (point: ResumePoint) => store.read(path, point, request.signal);
  // Where it has changed meanwhile, or is not so long, all of it is sent, as the RFC allows.
  const content = from.offset === 0 ? read(from) : read(from).catch(() => read(START));
  const { stream, offset, sizeBytes, version: etag } = await content;
  const headers = {
    ...(await describe(path)),
    ...(etag?.startsWith('"') ? { etag } : {}),
    ...(sizeBytes === undefined ? {} : { 'content-length': String(sizeBytes - offset) }),
  };
  if (offset === 0 || sizeBytes === undefined) return { status: 200, headers, body: stream };
  const part = { 'content-range': `bytes ${offset}-${sizeBytes - 1}/${sizeBytes}` };
  return { status: 206, headers: { ...headers, ...part }, body: stream };
}

async function answerLocal(
  { path }: Place,
  file: string,
  { headers: sent }: HttpRequest,
): Promise<HttpAnswer> {
  const state = await describeFile(file);
  if (state === undefined) throw new NotFound(path);
  const { sizeBytes, modifiedMs } = state;
  const etag = `"${Math.round(modifiedMs * 1000).toString(36)}-${sizeBytes.toString(36)}"`;
  const known = {
    etag,
    'last-modified': new Date(modifiedMs).toUTCString(),
    'cache-control': 'no-cache',
  };
  if (sent['if-none-match'] === etag) return { status: 304, headers: known, body: '' };
  const headers = { ...(await describe(path)), ...known, 'accept-ranges': 'bytes' };
  const isSame = sent['if-range'] === undefined || sent['if-range'] === etag;
  const range = isSame ? readRange(sent.range, sizeBytes) : undefined;
  if (range === 'unsatisfiable') {
    return { status: 416, headers: { 'content-range': `bytes */${sizeBytes}` }, body: '' };
  }
  const [start, end] = range ?? [0, sizeBytes - 1];
  const length = end - start + 1;
  const body =
    length > LARGEST_AT_ONCE
      ? takeBytes(readFileRange(file, start, end), length)
      : await readBytes(file, start, length);
  if (range === undefined) {
    return { status: 200, headers: { ...headers, 'content-length': String(length) }, body };
  }
  const part = { 'content-range': `bytes ${start}-${end}/${sizeBytes}` };
  return { status: 206, headers: { ...headers, ...part, 'content-length': String(length) }, body };
}

/** A smaller part is read as one: to open a stream for it costs more than to send it. */
const LARGEST_AT_ONCE = 256 * 1024;

async function readBytes(file: string, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  if (length === 0) return bytes;
  await using parts = await openParts(file).catch((error: NodeJS.ErrnoException) => {
    // It was deleted since it was looked at.
    throw error.code === 'ENOENT' ? new NotFound(file) : error;
  });
  await parts.read(bytes, start);
  return bytes;
}

/** A file that becomes shorter meanwhile must not look whole: the connection is cut. */
function takeBytes(stream: Readable, length: number): Readable {
  let left = length;
  return Readable.from(
    (async function* () {
      for await (const piece of stream as AsyncIterable<Buffer>) {
        left -= piece.length;
        yield piece;
      }
      if (left > 0) throw new Error('the file became shorter while it was read');
    })(),
    { objectMode: false },
  );
}

type Range = readonly [start: number, end: number];

/** One range of bytes; more than one, or what is no range, is answered with the whole file, as the RFC allows. */
function readRange(
  header: string | undefined,
  sizeBytes: number,
): Range | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const wanted = first === '' || last === '' ? sizeBytes - 1 : Number(last);
  if (first !== '' && wanted < start && last !== '') return undefined;
  if (start >= sizeBytes) return 'unsatisfiable';
  return [start, Math.min(wanted, sizeBytes - 1)];
}

async function describe(path: string): Promise<Record<string, string>> {
  const name = posix.basename(path);
  const ending = posix.extname(name).slice(1) || name;
  const guessed = TEXTS.has(ending) ? 'text/plain' : (await guessContentType(name)).type;
  return {
    'content-type': guessed ?? 'application/octet-stream',
    'content-disposition': disposition(name),
    'x-content-type-options': 'nosniff',
  };
}

/** RFC 6266: a name beyond ASCII is told twice. */
function disposition(name: string): string {
  const ascii = name.normalize('NFKD').replace(/[^\x20-\x7e]/g, '') || 'download';
  const isToken = /^[\w!#$%&'*+\-.^`|~]+$/.test(ascii);
  const shown = isToken ? ascii : `"${ascii.replace(/[\\"]/g, '\\$&')}"`;
  if (ascii === name) return `attachment; filename=${shown}`;
  const quoted = encodeURIComponent(name).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename=${shown}; filename*=UTF-8''${quoted}`;
}
