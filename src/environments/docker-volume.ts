import { isAbsolute, resolve } from 'node:path';
import type { Env } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import type { Mount } from '../core/launch.ts';

/** A folder of ours, or text for the daemon: named volumes and volumes with further options. */
export type Volume =
  | { readonly kind: 'mount'; readonly mount: Mount }
  | { readonly kind: 'bind'; readonly bind: string };

/**
 * Reads a volume as `docker run -v` does. MLflow hands the text to a shell first, in the project's
 * folder, so `$NAME`, `${NAME}`, `$(pwd)` and `~` are replaced and relative paths start there
 * (`mlflow/projects/backend/local.py`).
 *
 * @throws InvalidInput where a variable is not set or the text is no volume.
 */
export function parseVolume(text: string, directory: string, env: Env): Volume {
  const [source = '', target, options = '', ...rest] = expandShell(text, directory, env).split(':');
  if (source === '' || (target !== undefined && !isAbsolute(target)) || rest.length > 0) {
    throw new InvalidInput(`\`${text}\` is not a volume`, {
      hint: 'write /host/path:/container/path, with :ro for read-only',
    });
  }
  if (target === undefined) return { kind: 'bind', bind: source };
  if (!/^[./]/.test(source)) return { kind: 'bind', bind: joinParts(source, target, options) };
  const path = resolve(directory, source);
  if (!['', 'ro', 'rw'].includes(options)) {
    return { kind: 'bind', bind: joinParts(path, target, options) };
  }
  return { kind: 'mount', mount: { source: path, target, readOnly: options === 'ro' } };
}

function joinParts(source: string, target: string, options: string): string {
  return [source, target, ...(options === '' ? [] : [options])].join(':');
}

function expandShell(text: string, directory: string, env: Env): string {
  const values: Env = { ...env, PWD: directory };
  return text
    .replace(/^~(?=\/|:|$)/, () => env.HOME ?? '~')
    .replace(/\$\(pwd\)|`pwd`/g, () => directory)
    .replace(/\$(?:\{(\w+)\}|(\w+))/g, (_match, braced?: string, bare?: string) => {
      const name = braced ?? bare ?? '';
      const value = values[name];
      if (value !== undefined) return value;
      throw new InvalidInput(
        `the volume \`${text}\` needs the variable ${name}, which is not set`,
        {
          hint: `set it: \`export ${name}=...\``,
        },
      );
    });
}
