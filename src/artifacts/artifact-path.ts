import { posix } from 'node:path';
import { InvalidInput } from '../core/errors.ts';

/**
 * A folder below a run's artifacts to log into, as MLflow takes it (`mlflow/utils/validation.py`,
 * `path_not_unique`).
 *
 * @throws InvalidInput for what leads out of them, or could be written in another way.
 */
export function checkTargetPath(path: string): string {
  const plain = posix.normalize(path).replace(/\/+$/, '');
  if (path === '' || (path === plain && isInside(path))) return path;
  throw new InvalidInput(
    `the artifact path \`${path}\` is no plain path below the run's artifacts`,
    {
      hint: isInside(plain)
        ? `write \`${plain}\``
        : 'write it without `..` and without a leading `/`',
    },
  );
}

/**
 * A folder or file below a run's artifacts to read, without slashes at its end.
 *
 * @throws InvalidInput for what leads out of them.
 */
export function readSourcePath(path: string): string {
  const plain = posix.normalize(path).replace(/\/+$/, '');
  if (path === '' || plain === '.') return '';
  if (isInside(plain)) return plain;
  throw new InvalidInput(`the artifact path \`${path}\` leads out of the run's artifacts`, {
    hint: 'write it without `..` and without a leading `/`',
  });
}

function isInside(path: string): boolean {
  return !['', '.', '..'].includes(path) && !/^(\/|\.\.\/)|\0/.test(path);
}
