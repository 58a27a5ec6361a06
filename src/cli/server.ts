import { Command, Option } from 'commander';
import { variables } from '../core/environment-variables.ts';
import { UsageError } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';
import { type Context, withEnv } from '../host/context.ts';
import { locateStore } from '../host/store-place.ts';
import { MOST_BODY_BYTES } from '../server/request-limits.ts';
import type { ServerOptions } from '../server/serve.ts';
import { resolveTrackingUri } from '../tracking/open.ts';
import { readCount } from './count.ts';

interface ServerFlags {
  readonly backendStoreUri?: string;
  readonly registryStoreUri?: string;
  readonly defaultArtifactRoot?: string;
  readonly serveArtifacts: boolean;
  readonly artifactsOnly: boolean;
  readonly artifactsDestination: string;
  readonly host: string;
  readonly port: number;
  readonly staticPrefix?: string;
  readonly allowedHosts?: string;
  readonly corsAllowedOrigins?: string;
  readonly disableSecurityMiddleware: boolean;
  readonly xFrameOptions: string;
  readonly maxBody: number;
  readonly accessLog: boolean;
  readonly exposePrometheus?: string;
  readonly appName?: string;
}

/** Between the signal and the end of what is still under way. */
const GRACE_MS = 30_000;

const ELSEWHERE = 'mlts serves by itself, in one process: leave it out';

/** Options of MLflow's that name a Python web server or a part that mlts does not have: told, not ignored. */
const REFUSED: readonly (readonly [flags: string, hint: string])[] = [
  ['--gunicorn-opts <text>', ELSEWHERE],
  ['--uvicorn-opts <text>', ELSEWHERE],
  ['--waitress-opts <text>', ELSEWHERE],
  ['--dev', ELSEWHERE],
  ['--read-replica-backend-store-uri <uri>', 'all is read from --backend-store-uri'],
  ['--trace-archival-config <file>', 'mlts keeps no traces'],
  ['--secrets-cache-ttl <seconds>', 'mlts has no gateway, and so no secrets'],
  ['--secrets-cache-max-size <number>', 'mlts has no gateway, and so no secrets'],
  ['--workspace-store-uri <uri>', 'mlts has no workspaces'],
  ['--enable-workspaces', 'mlts has no workspaces'],
];

/** `mlts server`: MLflow's tracking server (`mlflow/cli/__init__.py`, `server`). */
export function serverCommand(context: Context): Command {
  const command = new Command('server')
    .description("serve MLflow's REST API: experiments, runs, models, artifacts")
    .addOption(
      new Option('--backend-store-uri <uri>', 'sqlite:///FILE, postgresql://..., or a folder').env(
        variables.backendStoreUri,
      ),
    )
    .addOption(
      new Option('--registry-store-uri <uri>', 'where models are; default: where runs are').env(
        variables.registryStoreUri,
      ),
    )
    .addOption(
      new Option('--default-artifact-root <uri>', 'where artifacts of new experiments go').env(
        variables.defaultArtifactRoot,
      ),
    )
    .addOption(new Option('--serve-artifacts', 'pass artifacts through this server').default(true))
    .addOption(
      new Option('--no-serve-artifacts', 'clients reach artifacts by themselves').env(
        variables.serveArtifacts,
      ),
    )
    .addOption(
      new Option('--artifacts-only', 'serve artifacts and nothing else')
        .env(variables.artifactsOnly)
        .default(false),
    )
    .addOption(
      new Option('--artifacts-destination <uri>', 'where artifacts that pass through are kept')
        .env(variables.artifactsDestination)
        .default('./mlartifacts'),
    );
  addAddressOptions(command);
  addSecurityOptions(command);
  for (const [flags] of REFUSED) command.addOption(new Option(flags).hideHelp());
  command.addOption(new Option('--disable-workspaces').hideHelp());
  return command
    .addOption(
      new Option(
        '--expose-prometheus <folder>',
        'serve /metrics; nothing is kept in the folder',
      ).env(variables.exposePrometheus),
    )
    .addOption(
      new Option('--app-name <name>', 'basic-auth: users log in; see also `mlts users`').choices([
        'basic-auth',
      ]),
    )
    .option('--access-log', 'a JSON line on stdout for each request', false)
    .action((flags: ServerFlags) => serve(flags, command, context));
}

/** The old name of `server`. */
export function uiCommand(context: Context): Command {
  return serverCommand(context).name('ui').description('the old name of `server`');
}

function addAddressOptions(command: Command): void {
  command
    .addOption(
      new Option('-h, --host <address>', '0.0.0.0: for other machines too')
        .env(variables.host)
        .default('127.0.0.1'),
    )
    .addOption(
      new Option('-p, --port <number>', 'where to listen; 0: any that is free')
        .env(variables.port)
        .default(5_000)
        .argParser((text) => readCount(text, 0, 65_535)),
    )
    .addOption(
      new Option('-w, --workers <number>', 'taken for the sake of scripts: one process serves all')
        .env(variables.workers)
        .hideHelp(),
    )
    .addOption(
      new Option('--static-prefix <path>', 'before all paths, such as /mlflow').env(
        variables.staticPrefix,
      ),
    )
    .addOption(
      new Option('--max-body <bytes>', 'larger requests are answered 413; artifacts may be larger')
        .default(MOST_BODY_BYTES)
        .argParser((text) => readCount(text, 1, 4_000_000_000)),
    );
}

function addSecurityOptions(command: Command): void {
  command
    .addOption(
      new Option(
        '--allowed-hosts <names>',
        'Host headers to answer, by commas; `*` is any text',
      ).env(variables.allowedHosts),
    )
    .addOption(
      new Option(
        '--cors-allowed-origins <origins>',
        'pages that may call, by commas; `*`: all',
      ).env(variables.corsAllowedOrigins),
    )
    .addOption(
      new Option('--x-frame-options <value>', 'SAMEORIGIN, DENY or NONE')
        .env(variables.xFrameOptions)
        .default('SAMEORIGIN'),
    )
    .addOption(
      new Option('--disable-security-middleware', 'answer whoever asks, under whatever name')
        .env(variables.disableSecurity)
        .default(false),
    );
}

async function serve(flags: ServerFlags, command: Command, context: Context): Promise<void> {
  refuseOptions(command);
  const options = await readOptions(flags, context);
  const { serveTracking } = await import('../server/serve.ts');
  await serveTracking(options, context);
}

function refuseOptions(command: Command): void {
  for (const [flags, hint] of REFUSED) {
    const option = new Option(flags);
    if (command.getOptionValue(option.attributeName()) === undefined) continue;
    throw new UsageError(`${option.long} has no meaning here`, { hint });
  }
}

async function readOptions(flags: ServerFlags, context: Context): Promise<ServerOptions> {
  const backendStoreUri = flags.backendStoreUri ?? (await resolveTrackingUri(withoutUri(context)));
  refuseServers('--backend-store-uri', backendStoreUri, context);
  if (flags.artifactsOnly) refuseStore(flags.backendStoreUri);
  const registryStoreUri = flags.registryStoreUri ?? backendStoreUri;
  refuseServers('--registry-store-uri', registryStoreUri, context);
  return {
    backendStoreUri,
    registryStoreUri,
    artifactRoot: chooseArtifactRoot(flags, backendStoreUri),
    servesArtifacts: flags.serveArtifacts,
    artifactsOnly: flags.artifactsOnly,
    artifactsDestination: flags.artifactsDestination,
    host: flags.host,
    port: flags.port,
    mostBodyBytes: flags.maxBody,
    prefix: readPrefix(flags.staticPrefix ?? ''),
    needsLogin: flags.appName === 'basic-auth',
    security: flags.disableSecurityMiddleware ? undefined : readSecurity(flags),
    logsAccess: flags.accessLog,
    exposesMetrics: flags.exposePrometheus !== undefined,
    graceMs: GRACE_MS,
  };
}

/** A server's own store is not the one that clients in this shell talk to. */
function withoutUri(context: Context): Context {
  return withEnv(context, { ...context.env, [variables.trackingUri]: undefined });
}

/** MLflow's own defaults are taken for nothing that was asked for, as MLflow takes them. */
function refuseStore(uri: string | undefined): void {
  if (uri === undefined || uri === './mlruns' || uri === 'sqlite:///mlflow.db') return;
  throw new UsageError(
    `--artifacts-only serves no runs, and --backend-store-uri is \`${redactUrls(uri)}\``,
    { hint: 'leave one of them out' },
  );
}

function refuseServers(option: string, uri: string, { cwd }: Context): void {
  if (locateStore(uri, cwd).kind !== 'server') return;
  throw new UsageError(`${option} is \`${redactUrls(uri)}\`: a server cannot be a server's store`, {
    hint: 'name a database or a folder',
  });
}

/** As `mlflow/server/handlers.py` and `mlflow/utils/uri.py` (`resolve_default_artifact_root`) choose it. */
function chooseArtifactRoot(flags: ServerFlags, backendStoreUri: string): string {
  if (flags.defaultArtifactRoot) return flags.defaultArtifactRoot;
  if (flags.serveArtifacts) return 'mlflow-artifacts:/';
  return /^(sqlite|postgres)/.test(backendStoreUri) ? './mlruns' : backendStoreUri;
}

function readPrefix(text: string): string {
  if (text === '') return '';
  if (/^(\/[\w.~-]+)+$/.test(text)) return text;
  throw new UsageError(`--static-prefix \`${text}\` must begin with / and not end with it`, {
    hint: 'such as /mlflow',
  });
}

function readSecurity(flags: ServerFlags): ServerOptions['security'] {
  const { allowedHosts, corsAllowedOrigins, xFrameOptions } = flags;
  return {
    allowedHosts: allowedHosts === undefined ? undefined : splitList(allowedHosts),
    allowedOrigins: splitList(corsAllowedOrigins ?? ''),
    frameOptions: xFrameOptions,
  };
}

function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
