import type { Env } from './environment-variables.ts';

/**
 * The variables with which programs call `host` without the HTTP proxy that `env` names; none where there is no
 * proxy, or no host. Programs differ in which spelling they read.
 */
export function bypassProxies(env: Env, host: string | undefined): Record<string, string> {
  const hasProxy = Object.entries(env).some(
    ([name, value]) => value !== '' && /^(https?|all)_proxy$/i.test(name),
  );
  if (host === undefined || !hasProxy) return {};
  const listed = env.no_proxy || env.NO_PROXY;
  const value = listed ? `${listed},${host}` : host;
  return { no_proxy: value, NO_PROXY: value };
}
