import type { Env } from '../../core/environment-variables.ts';
import { isSecretName, redactUrls } from '../../core/redact.ts';

export interface Setting {
  readonly name: string;
  readonly value: string;
}

/**
 * MLFLOW_* and MLTS_* as they are set. Secrets are always masked, which MLflow does not do; `masksAll`
 * (`--mask-envs`) masks every value.
 */
export function listSettings(env: Env, masksAll: boolean): readonly Setting[] {
  return Object.entries(env)
    .filter(([name, value]) => /^(MLFLOW|MLTS)_/.test(name) && value !== undefined)
    .map(([name, value = '']) => ({ name, value: showValue(name, value, masksAll) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function showValue(name: string, value: string, masksAll: boolean): string {
  return masksAll || isSecretName(name) ? '***' : redactUrls(value);
}
