import type { Metric } from '../core/entities.ts';
import { type Env, readFlag, variables } from '../core/environment-variables.ts';
import { InvalidInput, MltsError, UsageError } from '../core/errors.ts';
import { type HostAddress, LOOPBACK } from '../core/launch.ts';
import { bypassProxies } from '../core/proxy-bypass.ts';
import { redactUrls } from '../core/redact.ts';
import type { PreparedEnvironment, RunAddress } from '../environments/environment.ts';
import type { Context } from '../host/context.ts';
import { locateStore } from '../host/store-place.ts';
import { resolveRegistryUri } from '../registry/open.ts';
import type { TrackingStore } from '../tracking/store.ts';
import type { RunToExecute } from './execute-run.ts';
import { LiveMetrics } from './live-metrics.ts';
import type { RunOptions } from './run-options.ts';

/** A server in this process by which the command of a run logs, whatever its MLflow can open by itself. */
export interface TrackingProxy {
  readonly uri: string;
  readonly token: string;
  /** What the command calls a place for artifacts that is stored with this experiment. */
  showArtifacts(artifactUri: string, experimentId: string): Promise<string>;
  close(): Promise<void>;
}

export interface ProxyRequest {
  readonly store: TrackingStore;
  readonly registryUri: string;
  readonly host: HostAddress;
  onMetrics(metrics: readonly Metric[]): void;
}

/** Starts one; handed in by the command line, as rooms beside this one are not entered from here. */
export type StartTrackingProxy = (
  request: ProxyRequest,
  context: Context,
) => Promise<TrackingProxy>;

/** What the command of a run is told of its store. */
export interface RunRoute extends RunAddress, AsyncDisposable {
  /** Undefined: taken out of the command's environment. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** @throws UsageError where a proxy is asked for before a store that is a server already. */
export function checkProxy(
  trackingProxy: boolean | undefined,
  trackingUri: string,
  { cwd }: Context,
): void {
  if (trackingProxy !== true || locateStore(trackingUri, cwd).kind !== 'server') return;
  throw new UsageError(
    `--tracking-proxy: the store ${redactUrls(trackingUri)} is a server already`,
    {
      hint: 'leave it out: the command reaches that server by itself',
    },
  );
}

/**
 * Opens the way from a command to its run: the store's own address, or a proxy before it, with what the terminal
 * shows of the metrics that pass. Disposing of it closes the proxy.
 *
 * @throws InvalidInput where a proxy was asked for and the command cannot reach this machine.
 */
export async function openRunRoute(
  toExecute: RunToExecute,
  environment: PreparedEnvironment,
  context: Context,
): Promise<RunRoute> {
  const { options, store, run } = toExecute;
  const isInContainer = environment.findHost !== undefined;
  const proxied = isProxyWanted(options, isInContainer, store.uri, context)
    ? await openProxiedRoute(toExecute, environment, context)
    : undefined;
  return (
    proxied ?? {
      trackingUri: store.uri,
      artifactUri: run.info.artifactUri,
      variables: {},
      [Symbol.asyncDispose]: async () => {},
    }
  );
}

/** Whether the command is to log by way of a proxy: as asked, else where it could not reach the store by itself. */
export function isProxyWanted(
  { trackingProxy }: Pick<RunOptions, 'trackingProxy'>,
  isInContainer: boolean,
  storeUri: string,
  context: Context,
): boolean {
  return trackingProxy ?? (isInContainer && isLocalStore(storeUri, context));
}

/** Whether runs and models are in files of this machine, which nobody else can be asked for. */
function isLocalStore(uri: string, context: Context): boolean {
  return [uri, resolveRegistryUri(context, uri)].every(
    (each) =>
      /^sqlite/i.test(each) || locateStore(each, context.cwd, 'model registry').kind === 'folder',
  );
}

/** Undefined where there can be none and nobody has asked for it. */
async function openProxiedRoute(
  { options, store, run, experiment, startProxy }: RunToExecute,
  environment: PreparedEnvironment,
  context: Context,
): Promise<RunRoute | undefined> {
  const host = environment.findHost === undefined ? LOOPBACK : await environment.findHost();
  const live = new LiveMetrics(context.terminal);
  const request: Omit<ProxyRequest, 'host'> = {
    store,
    registryUri: resolveRegistryUri(context, store.uri),
    onMetrics: (metrics) => live.show(metrics),
  };
  const proxy = await startOn(host, request, startProxy, context).catch((error: unknown) => {
    if (options.trackingProxy === true || !(error instanceof MltsError)) throw error;
    return undefined;
  });
  if (proxy === undefined || host === undefined) return undefined;
  const close = async (): Promise<void> => {
    await proxy.close();
    live.close();
  };
  try {
    return {
      trackingUri: proxy.uri,
      artifactUri: await proxy.showArtifacts(run.info.artifactUri, experiment.id),
      directHost: host.name,
      variables: describeProxy(proxy, host, context.env),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startOn(
  host: HostAddress | undefined,
  request: Omit<ProxyRequest, 'host'>,
  startProxy: StartTrackingProxy,
  context: Context,
): Promise<TrackingProxy> {
  const hint = 'leave --tracking-proxy out, or try `-A network=host`';
  if (host === undefined) {
    throw new InvalidInput('--tracking-proxy: the container cannot reach this machine', { hint });
  }
  try {
    return await startProxy({ ...request, host }, context);
  } catch (cause) {
    if (!(cause instanceof InvalidInput)) throw cause;
    const message = `--tracking-proxy: ${cause.message}`;
    throw new InvalidInput(message, { hint, cause });
  }
}

/** How MLflow's client finds the proxy, and what would keep it from there. */
function describeProxy(
  { token }: TrackingProxy,
  host: HostAddress,
  env: Env,
): RunRoute['variables'] {
  return {
    [variables.trackingToken]: token,
    [variables.trackingUsername]: undefined,
    [variables.trackingPassword]: undefined,
    [variables.trackingAuth]: undefined,
    [variables.trackingAwsSigv4]: undefined,
    [variables.registryUri]: undefined,
    // The proxy ends with the run: links to it lead nowhere.
    [variables.suppressUrls]: env[variables.suppressUrls] ?? 'true',
    [variables.printModelUrls]: String(readFlag(env, variables.printModelUrls)),
    ...bypassProxies(env, host.name),
  };
}
