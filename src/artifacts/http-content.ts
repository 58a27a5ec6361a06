import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createUnzip } from 'node:zlib';
import type { HttpAnswer } from '../host/http/client.ts';
import type { ArtifactContent, ResumePoint } from './store.ts';

/** Asks for the rest of a file only if it still is the same file; else the whole of it comes. */
export function resumeHeaders({ offset, version }: ResumePoint): Record<string, string> {
  const identity = { 'accept-encoding': 'identity' };
  if (offset === 0 || version === undefined) return identity;
  return { ...identity, range: `bytes=${offset}-`, 'if-range': version };
}

/** Reads what an answer says of its body: 206 with Content-Range, or 200 with the whole file. */
export function readContent({ status, headers, body }: HttpAnswer): ArtifactContent {
  const encoding = String(headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity') {
    return { stream: decode(body, encoding), offset: 0, sizeBytes: undefined, version: undefined };
  }
  const etag = String(headers.etag ?? '');
  const version = etag.startsWith('"') ? etag : undefined;
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(String(headers['content-range'] ?? ''));
  if (status === 206 && range !== null) {
    return { stream: body, offset: Number(range[1]), sizeBytes: Number(range[2]), version };
  }
  const length = String(headers['content-length'] ?? '');
  const sizeBytes = /^\d+$/.test(length) ? Number(length) : undefined;
  return { stream: body, offset: 0, sizeBytes, version };
}

/** Some servers compress unasked; Python's `requests` takes that off too. A cut-off body is an error. */
function decode(body: Readable, encoding: string): Readable {
  const decoder = encoding === 'br' ? createBrotliDecompress() : createUnzip();
  return pipeline(body, decoder, () => {});
}
