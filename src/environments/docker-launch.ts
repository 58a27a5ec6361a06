import type { ContainerLaunch, Mount } from '../core/launch.ts';
import { bypassProxies } from '../core/proxy-bypass.ts';
import type { Caller } from '../host/caller.ts';
import { CODE_DIRECTORY } from '../images/dockerfile.ts';
import type { DockerSettings } from './docker-arguments.ts';
import { type CredentialFiles, describeCredentials } from './docker-credentials.ts';
import { describeStoreAccess, dropCoveredMounts } from './docker-store.ts';
import type { Command, RunAddress } from './environment.ts';

/** Everything that is known once the image is ready. */
export interface ContainerPlan {
  /** Name or id. */
  readonly image: string;
  /** The project's folder, unless the image holds it. */
  readonly code: string | undefined;
  /** The folder against which a relative store address is meant. */
  readonly cwd: string;
  readonly settings: DockerSettings;
  /** From the user's Docker settings and `-A env-file`: below what `settings` sets. */
  readonly env: Readonly<Record<string, string>>;
  readonly credentialFiles: CredentialFiles;
  readonly caller: Caller;
  /** Root inside is the daemon's own user: files get the right owner that way. */
  readonly isRootless: boolean;
}

/**
 * The container of one run; pure.
 *
 * It runs as the caller, so that the files it writes are the caller's. A store on this machine's
 * loopback address is reached over the host's network, unless a network was chosen.
 */
export function describeLaunch(
  plan: ContainerPlan,
  command: Command,
  run: RunAddress,
): ContainerLaunch {
  const { settings } = plan;
  const store = describeStoreAccess(run, plan.cwd);
  const credentials = describeCredentials(run.artifactUri, command.env, plan.credentialFiles);
  const user = settings.user ?? describeOwner(plan.caller, plan.isRootless);
  const env = {
    ...(settings.user === undefined ? describeHome(plan.caller) : {}),
    ...INIT_ENV,
    ...credentials.env,
    ...store.env,
    ...plan.env,
    ...settings.env,
  };
  return {
    kind: 'container',
    image: plan.image,
    command: shellCommand(command.shell),
    workingDirectory: settings.workingDirectory ?? CODE_DIRECTORY,
    env: { ...env, ...bypassProxies(env, run.directHost) },
    mounts: listMounts(plan, [...store.mounts, ...credentials.mounts, ...showPaths(command)]),
    user,
    options: {
      container: settings.container,
      hostConfig: {
        Init: true,
        ...(store.needsHostNetwork ? { NetworkMode: 'host' } : {}),
        ...settings.hostConfig,
      },
    },
  };
}

/** tini then passes signals to the whole process group: a shell alone would not pass them on. */
const INIT_ENV = { TINI_KILL_PROCESS_GROUP: '1' };

/** bash where the image has it, as MLflow's commands are written for it, else sh. */
function shellCommand(command: string): readonly string[] {
  return ['sh', '-c', 'exec "$(command -v bash || command -v sh)" -c "$0"', command];
}

/** `uid:gid` whose files in mounted folders are the caller's; undefined: the image's own user. */
export function describeOwner({ ids }: Caller, isRootless: boolean): string | undefined {
  if (ids === undefined) return undefined;
  return isRootless ? '0:0' : `${ids.uid}:${ids.gid}`;
}

/** The image does not know the caller: programs get a home that is writable and a name. */
function describeHome({ name }: Caller): Record<string, string> {
  return { HOME: '/tmp', USER: name, LOGNAME: name };
}

/** What parameters name is at the same place inside, to be read. */
function showPaths({ paths }: Command): readonly Mount[] {
  return paths.map((path) => ({ source: path, target: path, readOnly: true }));
}

/** The user's own mounts count before ours at the same place. */
function listMounts(plan: ContainerPlan, needed: readonly Mount[]): readonly Mount[] {
  const code: readonly Mount[] =
    plan.code === undefined ? [] : [{ source: plan.code, target: CODE_DIRECTORY, readOnly: false }];
  const taken = new Set([
    ...plan.settings.mounts.map(({ target }) => target),
    ...listTargets(plan.settings.hostConfig),
  ]);
  const ours = [...code, ...needed].filter(({ target }) => !taken.has(target));
  return dropCoveredMounts([...plan.settings.mounts, ...ours]);
}

function listTargets(hostConfig: DockerSettings['hostConfig']): readonly string[] {
  const binds = (hostConfig.Binds ?? []) as readonly string[];
  const mounts = (hostConfig.Mounts ?? []) as readonly { readonly Target: string }[];
  return [
    ...binds.map((bind) => bind.split(':')[1] ?? bind),
    ...mounts.map(({ Target }) => Target),
  ];
}
