/**
 * What goes over the socket between us and a worker: the lengths of a header and a body (two unsigned
 * 32-bit numbers, little-endian), the header in JSON, the body as it is. `worker.py` has the other end.
 */
export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

const PREFIX_BYTES = 8;

export function encodeFrame(header: Readonly<Record<string, unknown>>, bodyBytes: number): Buffer {
  const text = JSON.stringify(header);
  const headerBytes = Buffer.byteLength(text);
  const encoded = Buffer.allocUnsafe(PREFIX_BYTES + headerBytes);
  encoded.writeUInt32LE(headerBytes, 0);
  encoded.writeUInt32LE(bodyBytes, 4);
  encoded.write(text, PREFIX_BYTES);
  return encoded;
}

/** Puts frames together from the pieces in which they arrive. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Known when the first eight bytes of a frame are there. */
  #wanted = PREFIX_BYTES;

  /** Returns the frames that this piece completes. */
  push(piece: Buffer): readonly Frame[] {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    const frames: Frame[] = [];
    for (let frame = this.#take(); frame !== undefined; frame = this.#take()) frames.push(frame);
    return frames;
  }

  #take(): Frame | undefined {
    if (this.#bytes < this.#wanted) return undefined;
    const joined = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    const bytes = joined ?? Buffer.alloc(0);
    this.#pieces = [bytes];
    const headerEnd = PREFIX_BYTES + bytes.readUInt32LE(0);
    const end = headerEnd + bytes.readUInt32LE(4);
    this.#wanted = end;
    if (bytes.length < end) return undefined;
    const rest = bytes.subarray(end);
    this.#pieces = rest.length > 0 ? [rest] : [];
    this.#bytes = rest.length;
    this.#wanted = PREFIX_BYTES;
    const header = JSON.parse(bytes.toString('utf8', PREFIX_BYTES, headerEnd)) as Frame['header'];
    return { header, body: bytes.subarray(headerEnd, end) };
  }
}
