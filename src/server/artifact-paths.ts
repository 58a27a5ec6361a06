import { posix } from 'node:path';
import { unquoteFully } from '../core/artifact-location.ts';
import { InvalidInput } from '../core/errors.ts';

const MOST_QUOTED = 10;

/**
 * A path below a place for artifacts as clients may send it, in its plain spelling; '' is the place itself.
 * It is unquoted until nothing is quoted any more (`mlflow/utils/uri.py`, `validate_path_is_safe`).
 *
 * @throws InvalidInput for what leads out, however it is spelled.
 */
export function readArtifactPath(sent: string): string {
  const path = unquoteFully(sent, MOST_QUOTED);
  if (path === undefined) throw invalidPath(sent);
  const parts = path.split(/[/\\]/);
  const isAbsolute = /^([a-z]:)?[/\\]|^file:/i.test(path);
  if (isAbsolute || parts.includes('..') || /[#\0]/.test(path)) throw invalidPath(sent);
  const plain = posix.normalize(path).replace(/\/+$/, '');
  return plain === '.' ? '' : escapeControls(plain);
}

/**
 * As `readArtifactPath`, for one file or folder.
 *
 * @throws InvalidInput for the place itself too.
 */
export function readInnerPath(sent: string): string {
  const path = readArtifactPath(sent);
  if (path === '') throw invalidPath(sent);
  return path;
}

function escapeControls(path: string): string {
  return [...path]
    .map((character) => (isControl(character) ? quote(character) : character))
    .join('');
}

function isControl(character: string): boolean {
  const code = character.charCodeAt(0);
  return code < 32 || code === 127;
}

function quote(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

const LONGEST_SHOWN = 100;

export function invalidPath(path: string): InvalidInput {
  const shown = JSON.stringify(path.slice(0, LONGEST_SHOWN));
  return new InvalidInput(`Invalid path: ${shown} leads out of the artifacts, or is no plain path`);
}
