import { dirname, resolve } from 'node:path';
import { kindOf } from '../host/files.ts';
import { isUri } from './parameter-type.ts';
import type { EntryPoint } from './project.ts';

/** Where the value of a `path` parameter is: here, to be downloaded, or nowhere. */
export type ParameterPath =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'remote'; readonly uri: string }
  | { readonly kind: 'missing' };

/**
 * Finds a `path` parameter's value as MLflow does (`_compute_path_value` in
 * `mlflow/projects/_project_spec.py`): relative to `cwd`. Two things go beyond it: a name with `%` in
 * it is tried as it is before it is decoded, and a default is also looked for in the project itself,
 * which is what its author meant and where MLflow finds it only when called from there.
 */
export async function findParameterPath(
  value: string,
  isDefault: boolean,
  entryPoint: EntryPoint,
  cwd: string,
): Promise<ParameterPath> {
  const isFileUri = /^file:(?!\/\/[^/])/i.test(value);
  if (isUri(value) && !isFileUri) return { kind: 'remote', uri: value };
  const names = isFileUri ? [decodePercents(pathOfFileUri(value))] : [value, decodePercents(value)];
  const inProject = isDefault && entryPoint.file !== undefined ? [dirname(entryPoint.file)] : [];
  for (const base of [cwd, ...inProject]) {
    for (const name of names) {
      const path = resolve(base, name);
      if (name !== '' && (await kindOf(path)) !== undefined) return { kind: 'local', path };
    }
  }
  return { kind: 'missing' };
}

function pathOfFileUri(uri: string): string {
  return uri.replace(/^file:(?:\/\/)?/i, '').replace(/[?#].*$/s, '');
}

/** Python's `unquote`: what is no valid escape stays as it is. */
function decodePercents(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
