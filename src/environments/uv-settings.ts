import type { Env } from '../core/environment-variables.ts';

/** pip's settings that say where packages come from, and uv's variable for each. */
const VARIABLE_OF: Readonly<Record<string, string>> = {
  'index-url': 'UV_DEFAULT_INDEX',
  'extra-index-url': 'UV_INDEX',
  'find-links': 'UV_FIND_LINKS',
  'no-index': 'UV_NO_INDEX',
  'trusted-host': 'UV_INSECURE_HOST',
  cert: 'SSL_CERT_FILE',
};
/** Older names of uv's variables; where a user set one of them, it stays in force. */
const OLDER_NAMES: Readonly<Record<string, string>> = {
  UV_DEFAULT_INDEX: 'UV_INDEX_URL',
  UV_INDEX: 'UV_EXTRA_INDEX_URL',
};
/** pip separates several values by spaces, uv these by commas. */
const COMMA_SEPARATED = ['UV_FIND_LINKS'];
const SETTING = /^(?:global|install|:env:)\.([a-z-]+)='(.*)'$/;

/**
 * Variables that let uv install from where pip would. MLflow's `virtualenv` installs with pip, so a
 * user's own index or certificate is often named for pip only; uv reads none of that. What is set for uv
 * wins.
 *
 * @param pipConfiguration what `pip config list` prints, which merges pip's files and `PIP_*`.
 */
export function translatePipSettings(env: Env, pipConfiguration: string): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [name, value] of readPipSettings(env, pipConfiguration)) {
    const variable = VARIABLE_OF[name];
    if (variable === undefined || value === '' || isSetForUv(env, variable)) continue;
    const values = value.split(/\\n|\s+/).filter((part) => part !== '');
    settings[variable] = values.join(COMMA_SEPARATED.includes(variable) ? ',' : ' ');
  }
  // pip takes the best version from all indexes together; uv would stop at the first that has the name.
  if (settings.UV_INDEX !== undefined) settings.UV_INDEX_STRATEGY = 'unsafe-best-match';
  return env.UV_INDEX_STRATEGY === undefined
    ? settings
    : { ...settings, UV_INDEX_STRATEGY: env.UV_INDEX_STRATEGY };
}

function isSetForUv(env: Env, variable: string): boolean {
  const older = OLDER_NAMES[variable];
  return Boolean(env[variable] || (older !== undefined && env[older]));
}

/** pip's files first, so that its variables win, as in pip. */
function readPipSettings(
  env: Env,
  pipConfiguration: string,
): readonly (readonly [string, string])[] {
  const fromFiles = pipConfiguration.split('\n').flatMap((line) => {
    const [, name, value] = SETTING.exec(line.trim()) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  const fromVariables = Object.keys(VARIABLE_OF).flatMap((name) => {
    const value = env[`PIP_${name.toUpperCase().replaceAll('-', '_')}`];
    return value ? [[name, value] as const] : [];
  });
  return [...fromFiles, ...fromVariables];
}
