/**
 * What will be started: plain data, so that it can be printed (`mlts run --dry-run`), compared in
 * tests and handed to `host/`, which alone starts things.
 */
export type Launch = ProcessLaunch | ContainerLaunch;

export interface ProcessLaunch {
  readonly kind: 'process';
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment of the child, not an addition to ours. */
  readonly env: Readonly<Record<string, string>>;
}

/** Where a server of ours listens so that a command reaches it, and what this machine is called there. */
export interface HostAddress {
  readonly listen: string;
  readonly name: string;
}

/** For commands on this machine, and for containers on its own network. */
export const LOOPBACK: HostAddress = { listen: '127.0.0.1', name: '127.0.0.1' };

export interface ContainerLaunch {
  readonly kind: 'container';
  readonly image: string;
  readonly command: readonly string[];
  readonly workingDirectory: string;
  /** Added to the image's own environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** `uid:gid`, or a name; absent: the image's own. */
  readonly user: string | undefined;
  /** `docker run` arguments as given with `-A name=value`, already translated for the Engine API. */
  readonly options: ContainerOptions;
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** Parts of the Engine API's container-create body (`HostConfig` and top level) set by `-A`. */
export interface ContainerOptions {
  readonly container: Readonly<Record<string, unknown>>;
  readonly hostConfig: Readonly<Record<string, unknown>>;
}
