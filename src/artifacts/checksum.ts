import { createHash } from 'node:crypto';

/** As a store told it: of the whole file, in base64. */
export interface Checksum {
  readonly algorithm: 'md5' | 'sha1' | 'sha256' | 'crc32' | 'crc32c' | 'crc64nvme';
  readonly value: string;
}

/** A checksum on its way. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** In base64; once, when all bytes are in. */
  finish(): Promise<string>;
}

export async function createDigest(algorithm: Checksum['algorithm']): Promise<Digest> {
  if (algorithm === 'md5' || algorithm === 'sha1' || algorithm === 'sha256') {
    const hash = createHash(algorithm);
    return {
      update: (bytes) => hash.update(bytes),
      finish: async () => hash.digest('base64'),
    };
  }
  const { Crc32, Crc32c, Crc64Nvme } = await import('@aws-sdk/checksums/crc');
  const sum = new { crc32: Crc32, crc32c: Crc32c, crc64nvme: Crc64Nvme }[algorithm]();
  return {
    update: (bytes) => sum.update(bytes),
    finish: async () => Buffer.from(await sum.digest()).toString('base64'),
  };
}
