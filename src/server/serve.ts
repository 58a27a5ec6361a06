import { readNumber, variables } from '../core/environment-variables.ts';
import { MltsError } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';
import { type Context, withEnv } from '../host/context.ts';
import { waitUntilAborted } from '../host/interrupts.ts';
import { logAccess } from '../http/access-log.ts';
import { type HttpHandler, type HttpServerOptions, startHttpServer } from '../http/server.ts';
import { openRegistryStore } from '../registry/open.ts';
import type { RegistryStore } from '../registry/store.ts';
import { openTrackingStore } from '../tracking/open.ts';
import type { TrackingStore } from '../tracking/store.ts';
import { type CreatedApp, createServerApp } from './app.ts';
import { ArtifactPlaces } from './artifact-places.ts';
import type { Auth } from './auth/open.ts';
import { answerError } from './error-answer.ts';
import type { ServerMetrics } from './metrics.ts';
import { listServed } from './routes/endpoints.ts';
import { listPages } from './routes/pages.ts';
import { protect, type SecurityOptions } from './security.ts';
import { nameStoreType, type Services } from './services.ts';
import { createUnopenedStore } from './unopened-store.ts';

export interface ServerOptions
  extends Pick<HttpServerOptions, 'host' | 'port' | 'mostBodyBytes' | 'tls'> {
  readonly backendStoreUri: string;
  readonly registryStoreUri: string;
  /** Where new experiments keep their artifacts. */
  readonly artifactRoot: string;
  readonly servesArtifacts: boolean;
  /** Whether all else is answered 503. */
  readonly artifactsOnly: boolean;
  /** Where artifacts that pass through are kept. */
  readonly artifactsDestination: string;
  /** Before all paths, such as `/mlflow`; empty: nothing. */
  readonly prefix: string;
  /** Whether everybody has to log in, and may do what was granted: MLflow's `basic-auth`. */
  readonly needsLogin: boolean;
  /** Undefined: requests are answered whoever asks under whatever name. */
  readonly security: Omit<SecurityOptions, 'prefix'> | undefined;
  readonly logsAccess: boolean;
  /** Whether `/metrics` tells Prometheus what is going on. */
  readonly exposesMetrics: boolean;
  /** How long requests under way are waited for when we are told to stop. */
  readonly graceMs: number;
}

/**
 * Serves MLflow's REST API until a signal comes: then no more requests are accepted, those under way are
 * answered, and the stores are closed.
 *
 * @throws InvalidInput where the address is taken; what the stores throw on opening.
 */
export async function serveTracking(options: ServerOptions, context: Context): Promise<void> {
  const services = await openServices(options, context);
  let auth: Auth | undefined;
  try {
    const metrics = options.exposesMetrics ? await makeMetrics(options) : undefined;
    auth = options.needsLogin ? await openLogin(services, options, context) : undefined;
    const served = listServed(services, options.artifactsOnly);
    const app = createServerApp({
      ...served,
      endpoints: [...served.endpoints, ...(auth?.endpoints ?? [])],
      pages: listPages(),
      rootPages: metrics === undefined ? [] : [metrics.page],
      prefix: options.prefix,
      guard: auth?.guard,
      onFault: (error, { method, path }) => tellFault(error, `${method} ${path}`, context),
    });
    const handle = auth?.requireLogin(app.handle) ?? app.handle;
    await listen({ ...app, handle: metrics?.measure(handle) ?? handle }, options, context);
  } finally {
    await auth?.close();
    await services.artifacts.close();
    await services.registry.close();
    await services.tracking.close();
  }
}

/** Loaded only where it is asked for. */
async function makeMetrics({ prefix }: ServerOptions): Promise<ServerMetrics> {
  const { createServerMetrics } = await import('./metrics.ts');
  return createServerMetrics(prefix);
}

/** Loaded only where it is asked for. */
async function openLogin(services: Services, { prefix }: ServerOptions, context: Context) {
  const { openAuth } = await import('./auth/open.ts');
  return openAuth(services, prefix, context);
}

const SHARED = { isServer: true } as const;
const PRESIGNED_SECONDS = 300;

async function openServices(options: ServerOptions, context: Context): Promise<Services> {
  const { backendStoreUri, artifactRoot, artifactsDestination } = options;
  const trustedLocations = [artifactRoot, artifactsDestination];
  const artifacts = new ArtifactPlaces(
    {
      servesArtifacts: options.servesArtifacts,
      destination: artifactsDestination,
      trustedLocations,
      trackingUri: backendStoreUri,
      presignedSeconds: readNumber(
        context.env,
        variables.presignedDownloadSeconds,
        PRESIGNED_SECONDS,
      ),
    },
    context,
  );
  const stores = options.artifactsOnly
    ? {
        tracking: createUnopenedStore<TrackingStore>(),
        registry: createUnopenedStore<RegistryStore>(),
      }
    : await openStores(options, context);
  const storeType = nameStoreType(backendStoreUri);
  return { ...stores, artifacts, storeType, trustedLocations, now: () => context.now() };
}

async function openStores(
  { backendStoreUri, registryStoreUri, artifactRoot }: ServerOptions,
  context: Context,
): Promise<Pick<Services, 'tracking' | 'registry'>> {
  const own = withEnv(context, { ...context.env, [variables.artifactRoot]: artifactRoot });
  const tracking = await openTrackingStore(backendStoreUri, own, SHARED);
  try {
    return { tracking, registry: await openRegistryStore(registryStoreUri, context, SHARED) };
  } catch (error) {
    await tracking.close();
    throw error;
  }
}

/** What was foreseen, as a full disk, is told in one line; only what is our own fault has a stack worth reading. */
function tellFault(error: unknown, where: string, { terminal }: Context): void {
  const isForeseen = error instanceof MltsError || !(error instanceof Error);
  const said = isForeseen ? String(error) : (error.stack ?? error.message);
  terminal.warn(`${where}: ${redactUrls(said)}`);
}

/** What stands before the application; the outermost comes last. */
function assemble(
  app: CreatedApp,
  { security, prefix, logsAccess }: ServerOptions,
  { terminal, now }: Context,
): HttpHandler {
  let handler = app.handle;
  if (security !== undefined) handler = protect(handler, { ...security, prefix });
  if (!logsAccess) return handler;
  return logAccess(handler, (entry) => terminal.print(JSON.stringify(entry)), now);
}

async function listen(app: CreatedApp, options: ServerOptions, context: Context): Promise<void> {
  const { terminal, interrupts } = context;
  const handler = assemble(app, options, context);
  const server = await startHttpServer(handler, {
    ...options,
    findRoute: app.findRoute,
    answerError,
  });
  const { artifactsOnly, artifactsDestination, backendStoreUri } = options;
  const served = artifactsOnly ? artifactsDestination : backendStoreUri;
  terminal.note(`serving ${redactUrls(served)} at ${server.url}${options.prefix}`);
  await waitUntilAborted(interrupts.signal);
  terminal.note('stopping: requests under way are answered first');
  const forced = waitUntilAborted(interrupts.force).then(() => server.close(0));
  await Promise.race([server.close(options.graceMs), forced]);
}
