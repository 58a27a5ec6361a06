import type { Tag } from '../core/entities.ts';
import type { HostAddress, Launch } from '../core/launch.ts';

export const ENVIRONMENT_MANAGERS = ['local', 'virtualenv', 'uv', 'conda', 'docker'] as const;
export type EnvironmentManager = (typeof ENVIRONMENT_MANAGERS)[number];

/** What the environment of a project is made from, read from its files; see `specification.ts`. */
export interface EnvironmentSource {
  /** The folder whose files are meant: `-r requirements.txt` is resolved against it. */
  readonly directory: string;
  readonly kind: 'python_env' | 'conda_env' | 'none';
  /** Absolute path of python_env.yaml or conda.yaml; undefined where there is none. */
  readonly file: string | undefined;
  /** In `directory`; stands in for the `pip:` list of `file`, as in models that MLflow < 1.26 saved. */
  readonly requirementsFile?: string | undefined;
  /** What is put on top; absent: nothing. */
  readonly additions?: EnvironmentAdditions | undefined;
}

/** What an environment has beyond what its files ask for; see `additions.ts`. */
export interface EnvironmentAdditions {
  /** Is part of what the environment's name is made of (MLflow's `env_id`). */
  readonly id: string;
  /** Installed after all else, in place of the versions that the files ask for. */
  readonly requirements: readonly string[];
  /** Undefined: whatever MLflow the files ask for. */
  readonly mlflow:
    | { readonly kind: 'version'; readonly version: string }
    | { readonly kind: 'sources'; readonly folder: string }
    | undefined;
}

/** What is there already, found without creating anything; printed by `--dry-run`. */
export interface EnvironmentState {
  readonly manager: EnvironmentManager;
  /** `none`: nothing to make (local); `cached`: ready to use; `missing`: `prepare` will make it. */
  readonly state: 'none' | 'cached' | 'missing';
  /** Folder, environment name or image; undefined for local. */
  readonly location: string | undefined;
  /** `3.11.7`, as asked for; undefined where the manager does not choose a Python. */
  readonly python: string | undefined;
  readonly dependencies: readonly string[];
  readonly warnings: readonly string[];
}

/** What the entry point needs of its surroundings; `env` is the whole environment of the child. */
export interface Command {
  /** A line for bash, as MLproject's templates make it. */
  readonly shell: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Absolute paths that the line names (parameters of type `path`): a container must be shown them. */
  readonly paths: readonly string[];
}

/** The run that a container must be able to reach: its store and its artifacts. */
export interface RunAddress {
  readonly trackingUri: string;
  readonly artifactUri: string;
  /** A host that is called without an HTTP proxy, whatever else is; absent: none. */
  readonly directHost?: string | undefined;
}

/** An environment that is ready; `launch` is pure. */
export interface PreparedEnvironment {
  /** Tags for the run: `mlflow.project.env`, `mlflow.docker.image.uri`, ... */
  readonly tags: readonly Tag[];
  /** Where it lies; absent for the user's own surroundings and for containers. */
  readonly folder?: string | undefined;
  /** How a container reaches this machine, undefined where it cannot; absent: the command is on this machine. */
  findHost?(): Promise<HostAddress | undefined>;
  /** `run` is what the command is to reach; only a container needs to be told. */
  launch(command: Command, run?: RunAddress): Launch;
}

/** One way to turn a project or model into something that can be started. */
export interface Environment {
  /**
   * Reads what the environment is made from and looks at nothing else, so that what is wrong with it is
   * told before anything is created.
   *
   * @throws InvalidInputs with all problems of the file, InvalidInput where the manager cannot use it.
   */
  check(): Promise<void>;
  inspect(): Promise<EnvironmentState>;
  /**
   * Makes what is missing: in a temporary place first, renamed under a lock, so that concurrent
   * callers build once and an interrupted build leaves nothing behind.
   */
  prepare(signal: AbortSignal): Promise<PreparedEnvironment>;
}
