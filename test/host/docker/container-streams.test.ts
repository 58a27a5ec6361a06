import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readFrames } from '../../../src/host/docker/container-streams.ts';

/** As the daemon multiplexes: stream number, three zeros, length, bytes. */
function encode(isError: boolean, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = isError ? 2 : 1;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size)
    yield bytes.subarray(start, start + size);
}

test('every byte reaches its stream, however the network cuts it', async () => {
  const frame = fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 40 }));
  await fc.assert(
    fc.asyncProperty(fc.array(frame), fc.integer({ min: 1, max: 30 }), async (frames, size) => {
      const read = { true: [] as number[], false: [] as number[] };
      const all = Buffer.concat(frames.map(([isError, bytes]) => encode(isError, bytes)));
      for await (const { isError, bytes } of readFrames(cut(all, size))) {
        read[`${isError}`].push(...bytes);
      }
      const sent = (isError: boolean) =>
        frames.filter((each) => each[0] === isError).flatMap((each) => [...each[1]]);
      expect(read).toEqual({ true: sent(true), false: sent(false) });
    }),
  );
});
