import { randomBytes } from 'node:crypto';
import type { Metric } from '../../core/entities.ts';
import type { HostAddress } from '../../core/launch.ts';
import { redactUrls } from '../../core/redact.ts';
import type { Context } from '../../host/context.ts';
import { type HttpServer, startHttpServer } from '../../http/server.ts';
import { requireToken } from '../../http/token.ts';
import { openRegistryStore } from '../../registry/open.ts';
import type { RegistryStore } from '../../registry/store.ts';
import type { TrackingStore } from '../../tracking/store.ts';
import { type CreatedApp, createServerApp } from '../app.ts';
import { answerError } from '../error-answer.ts';
import { MOST_BODY_BYTES } from '../request-limits.ts';
import { listServed } from '../routes/endpoints.ts';
import { listPages } from '../routes/pages.ts';
import { nameStoreType, type Services } from '../services.ts';
import { ArtifactAddresses } from './artifact-addresses.ts';
import { PassingPlaces } from './passing-places.ts';
import { proxyRegistry, proxyTracking } from './proxied-stores.ts';

export interface RunProxyOptions {
  /** The run's own store; it stays open. */
  readonly store: TrackingStore;
  readonly registryUri: string;
  readonly host: HostAddress;
  onMetrics(metrics: readonly Metric[]): void;
}

export interface RunProxy {
  /** Where the command finds it: `http://172.17.0.1:41233`. */
  readonly uri: string;
  /** Without it nothing is answered. */
  readonly token: string;
  /** What the command calls the place where the artifacts of a run of this experiment lie. */
  showArtifacts(artifactUri: string, experimentId: string): Promise<string>;
  /** Answers what is under way and ends. */
  close(): Promise<void>;
}

const TOKEN_BYTES = 32;
/** The command has ended: who still asks is what it left behind. */
const GRACE_MS = 5_000;

/**
 * Serves the store of one run to its command, on an address that nobody from outside of this machine reaches, and
 * to nobody who does not know the token. Artifacts on this machine pass through.
 *
 * @throws InvalidInput where the address is not ours; what the registry throws on opening.
 */
export async function startRunProxy(options: RunProxyOptions, context: Context): Promise<RunProxy> {
  const addresses = new ArtifactAddresses(options.store);
  const registry = await openRegistryStore(options.registryUri, context);
  const services = describeServices(options, addresses, registry, context);
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const server = await listen(createApp(services, context), token, options.host).catch(
    async (error: unknown) => {
      await registry.close();
      throw error;
    },
  );
  return {
    uri: `http://${options.host.name}:${new URL(server.url).port}`,
    token,
    showArtifacts: (uri, experimentId) => addresses.show(uri, experimentId),
    async close() {
      await server.close(GRACE_MS);
      await services.artifacts.close();
      await registry.close();
    },
  };
}

function describeServices(
  { store, onMetrics }: RunProxyOptions,
  addresses: ArtifactAddresses,
  registry: RegistryStore,
  context: Context,
): Services {
  return {
    tracking: proxyTracking(store, addresses, onMetrics),
    registry: proxyRegistry(registry, addresses),
    artifacts: new PassingPlaces(addresses, store.uri, context),
    storeType: nameStoreType(store.uri),
    trustedLocations: [],
    now: () => context.now(),
  };
}

function createApp(services: Services, { terminal }: Context): CreatedApp {
  return createServerApp({
    ...listServed(services, false),
    pages: listPages(),
    prefix: '',
    onFault: (error, { method, path }) => {
      const said = error instanceof Error ? error.message : String(error);
      terminal.warn(`tracking proxy: ${method} ${path}: ${redactUrls(said)}`);
    },
  });
}

function listen(
  app: CreatedApp,
  token: string,
  { listen: host }: HostAddress,
): Promise<HttpServer> {
  return startHttpServer(requireToken(app.handle, token, new Set()), {
    host,
    port: 0,
    mostBodyBytes: MOST_BODY_BYTES,
    findRoute: app.findRoute,
    answerError,
  });
}
