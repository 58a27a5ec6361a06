import { basename } from 'node:path';

export interface ContentType {
  readonly type: string | undefined;
  /** What the file is packed with: `gzip` for `x.csv.gz`. */
  readonly encoding: string | undefined;
}

const ENCODINGS: Readonly<Record<string, string>> = {
  gz: 'gzip',
  Z: 'compress',
  bz2: 'bzip2',
  xz: 'xz',
  br: 'br',
};

/** What a file holds by its name, as Python's `mimetypes.guess_type` tells: packing apart from content. */
export async function guessContentType(path: string): Promise<ContentType> {
  const { default: mime } = await import('mime');
  const name = basename(path);
  const [, packed, ending = ''] = /^(.+)\.([^.]+)$/.exec(name) ?? [];
  const encoding = ENCODINGS[ending];
  const type = mime.getType(encoding === undefined ? name : (packed ?? name)) ?? undefined;
  return { type, encoding };
}
