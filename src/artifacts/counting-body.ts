import { Readable } from 'node:stream';
import { readFileUpTo } from '../host/file-transfer.ts';
import type { UploadSource } from './store.ts';

/** Makes the body of an upload, the whole file or what `read` gives, anew for each attempt, and counts what leaves. */
export function createCountingBody(
  { file, sizeBytes, onBytes }: UploadSource,
  read: () => Readable = () => readFileUpTo(file, sizeBytes),
): () => Readable {
  let sent = 0;
  const readCounting = async function* (): AsyncIterable<Buffer> {
    onBytes(-sent);
    sent = 0;
    for await (const chunk of read()) {
      yield chunk;
      sent += chunk.length;
      onBytes(chunk.length);
    }
  };
  return () => Readable.from(readCounting());
}
