import { UsageError } from '../core/errors.ts';

/**
 * Checks `--backend-config` as `mlflow run` does: JSON text, or a file whose name ends in `.json`. The
 * local backend takes nothing from it, in MLflow as here.
 *
 * @throws UsageError where it is neither.
 */
export async function checkBackendConfig(
  config: string | undefined,
  readFile: (path: string) => Promise<string>,
): Promise<void> {
  if (config === undefined) return;
  const isFile = config.endsWith('.json');
  const text = isFile ? await readFile(config) : config;
  try {
    JSON.parse(text);
  } catch (cause) {
    const where = isFile ? `${config} holds` : 'got';
    throw new UsageError(`--backend-config takes JSON, ${where} something else: ${String(cause)}`, {
      hint: 'give JSON text, or the path of a file that ends in .json',
      cause,
    });
  }
}
