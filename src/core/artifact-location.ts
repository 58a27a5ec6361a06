import { isAbsolute, join, posix } from 'node:path';

/**
 * Appends to the path of a folder that is named by a path or by a URI, whose query is kept
 * (`mlflow/utils/uri.py`, `append_to_uri_path`).
 */
export function appendToLocation(location: string, ...parts: readonly string[]): string {
  const [, beforeQuery = location, query = ''] = hasScheme(location)
    ? (/^([^?#]*)([?#].*)?$/s.exec(location) ?? [])
    : [];
  const [, root = '', path = ''] =
    /^([a-z][a-z0-9+.-]*:(?:\/\/[^/]*)?)?(.*)$/is.exec(beforeQuery) ?? [];
  return `${root}${posix.join(path === '' && root !== '' ? '/' : path, ...parts)}${query}`;
}

/** A path, or a `file:` URI with a path, that is relative is taken from `cwd`; all else is left as it is. */
export function resolveLocation(location: string, cwd: string): string {
  if (!hasScheme(location)) return isAbsolute(location) ? location : join(cwd, location);
  const [, path, query = ''] = /^file:(?!\/)([^?#]*)(.*)$/s.exec(location) ?? [];
  return path === undefined ? location : `${toFileUri(join(cwd, unquotePath(path)))}${query}`;
}

/** As Python's `Path.as_uri`, which quotes more than Node does. */
export function toFileUri(path: string): string {
  return `file://${quotePath(path)}`;
}

/** As Python's `urllib.request.pathname2url`: all but letters, digits and `_.-~/` is quoted. */
export function quotePath(path: string): string {
  return path
    .split('/')
    .map((part) => encodeURIComponent(part).replace(/[!'()*]/g, quoteCharacter))
    .join('/');
}

/** As Python's `urllib.parse.unquote`: a `%` that quotes nothing stays, what is no UTF-8 becomes U+FFFD. */
export function unquotePath(path: string): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (quoted) =>
    Buffer.from(quoted.replaceAll('%', ''), 'hex').toString(),
  );
}

/** Unquotes again and again until nothing is quoted; undefined where that takes more than `mostLayers`. */
export function unquoteFully(text: string, mostLayers: number): string | undefined {
  let plain = text;
  for (let layer = 0; layer < mostLayers; layer += 1) {
    const next = unquotePath(plain);
    if (next === plain) return plain;
    plain = next;
  }
  return undefined;
}

function quoteCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** One letter before the colon is a Windows drive, none a path. */
function hasScheme(location: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(location);
}
