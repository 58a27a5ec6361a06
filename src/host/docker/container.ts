import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import type { ContainerLaunch, Mount } from '../../core/launch.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { Context } from '../context.ts';
import { kindOf } from '../files.ts';
import { makeFolder } from '../folders.ts';
import { type Interrupts, signalNameOf } from '../interrupts.ts';
import { type ContainerStreams, connectStreams, type StreamOptions } from './container-streams.ts';
import { connectDocker, type Docker, pingDaemon } from './daemon.ts';
import { explainDockerError } from './error.ts';

export interface ContainerRunOptions {
  /** Between the first signal and SIGKILL. */
  readonly graceMs: number;
  /** Our own, unless a test brings others. */
  readonly streams?: ContainerStreams;
}

/** What a running container is steered with. */
interface Control {
  readonly docker: Docker;
  readonly interrupts: Interrupts;
  readonly graceMs: number;
  readonly streams: ContainerStreams;
}

const DAEMON_CHECK_MS = 2_000;

/**
 * Runs a container to its end, on our own stdin, stdout and stderr, byte for byte, and removes it in
 * every case. Folders that `launch.mounts` names and that are missing are made first, by us: the
 * daemon would make them as root.
 *
 * stdin is passed where it is a pipe or a file; from a terminal only with `-A interactive`, as a
 * container in the background must not read it. The first interrupt is passed on as a signal; after
 * `graceMs`, or at a second interrupt, the container is killed.
 *
 * @throws InvalidInput, NotFound or ToolError where the container cannot be started, Unavailable where
 * the daemon goes away while it runs.
 */
export async function runContainer(
  launch: ContainerLaunch,
  context: Pick<Context, 'env' | 'interrupts'>,
  { graceMs, streams = process }: ContainerRunOptions,
): Promise<Outcome> {
  const docker = await connectDocker(context.env);
  if (docker.isLocal) await makeMountSources(launch.mounts);
  const wantsStdin = launch.options.container.OpenStdin === true || streams.stdin.isTTY !== true;
  const isTerminal = launch.options.container.Tty === true;
  const task = { action: 'run', subject: `image ${launch.image}` };
  let container: Dockerode.Container | undefined;
  try {
    container = await docker.engine.createContainer(describeContainer(launch, wantsStdin));
    const control = { docker, interrupts: context.interrupts, graceMs, streams };
    return await runCreated(container, control, { wantsStdin, isTerminal });
  } catch (error) {
    throw explainDockerError(error, task);
  } finally {
    // Gone already, being removed, or the daemon is gone: nothing is left to do about it.
    await container?.remove({ force: true, v: true }).catch(() => {});
  }
}

async function runCreated(
  container: Dockerode.Container,
  control: Control,
  streamOptions: StreamOptions,
): Promise<Outcome> {
  const connection = await connectStreams(container, control.streams, streamOptions);
  const interruption = endOnInterrupt(container, control);
  try {
    await container.start();
    interruption.begin();
    const exit = container.wait() as Promise<{ readonly StatusCode: number }>;
    exit.catch(() => {});
    await connection.relay();
    const { StatusCode } = await Promise.race([exit, watchDaemon(control.docker, exit)]);
    return {
      exitCode: StatusCode,
      signal: signalOf(StatusCode),
      interruptedBy: interruption.interruptedBy(),
    };
  } finally {
    interruption.stop();
    connection.close();
  }
}

/** The body of the Engine API's container-create. */
function describeContainer(
  launch: ContainerLaunch,
  wantsStdin: boolean,
): Dockerode.ContainerCreateOptions {
  const { container, hostConfig } = launch.options;
  const given = (hostConfig.Mounts ?? []) as Dockerode.MountSettings[];
  return {
    ...container,
    Image: launch.image,
    Cmd: [...launch.command],
    WorkingDir: launch.workingDirectory,
    Env: Object.entries(launch.env).map(([name, value]) => `${name}=${value}`),
    ...(launch.user === undefined ? {} : { User: launch.user }),
    OpenStdin: wantsStdin,
    StdinOnce: wantsStdin,
    AttachStdin: wantsStdin,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: { ...hostConfig, Mounts: [...launch.mounts.map(describeMount), ...given] },
  };
}

function describeMount({ source, target, readOnly }: Mount): Dockerode.MountSettings {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: readOnly };
}

async function makeMountSources(mounts: readonly Mount[]): Promise<void> {
  for (const { source } of mounts) {
    if ((await kindOf(source).catch(() => 'file')) === undefined) await makeFolder(source);
  }
}

/** Passes interrupts on to a container that has been started; earlier ones wait for `begin`. */
function endOnInterrupt(
  container: Dockerode.Container,
  { interrupts, graceMs }: Control,
): { begin(): void; interruptedBy(): Outcome['interruptedBy']; stop(): void } {
  let interruptedBy: Outcome['interruptedBy'];
  let grace: NodeJS.Timeout | undefined;
  // It may have ended by itself in the meantime.
  const send = (signal: string): void => void container.kill({ signal }).catch(() => {});
  const kill = (): void => send('SIGKILL');
  const passOn = (): void => {
    interruptedBy = signalNameOf(interrupts);
    send(interruptedBy);
    grace = setTimeout(kill, graceMs);
  };
  return {
    begin() {
      interrupts.signal.addEventListener('abort', passOn, { once: true });
      interrupts.force.addEventListener('abort', kill, { once: true });
      if (interrupts.signal.aborted) passOn();
      if (interrupts.force.aborted) kill();
    },
    interruptedBy: () => interruptedBy,
    stop() {
      clearTimeout(grace);
      interrupts.signal.removeEventListener('abort', passOn);
      interrupts.force.removeEventListener('abort', kill);
    },
  };
}

/**
 * Rejects when the daemon has gone. dockerode's `wait` stays silent when its connection breaks, while
 * the output just ends: from then on the daemon is asked for a sign of life.
 */
async function watchDaemon(docker: Docker, exit: Promise<unknown>): Promise<never> {
  let isOver = false;
  const markOver = (): void => {
    isOver = true;
  };
  exit.then(markOver, markOver);
  for (;;) {
    await sleep(DAEMON_CHECK_MS, undefined, { ref: !isOver });
    if (isOver) return new Promise<never>(() => {});
    await pingDaemon(docker.engine, DAEMON_CHECK_MS);
  }
}

function signalOf(exitCode: number): string | undefined {
  const found = Object.entries(constants.signals).find(([, number]) => number + 128 === exitCode);
  return found?.[0];
}
