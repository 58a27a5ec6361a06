import type { EnvironmentManager } from '../environments/environment.ts';

/** Everything that `mlts run` was asked for, checked as far as that needs no project. */
export interface RunOptions {
  readonly uri: string;
  readonly entryPoint: string;
  readonly version: string | undefined;
  /** As typed: `name=value` or `@file`. */
  readonly parameterArguments: readonly string[];
  readonly dockerArguments: ReadonlyMap<string, string | true>;
  /** Both only where both stand in the environment: then they must mean the same experiment. */
  readonly experiment: { readonly name?: string | undefined; readonly id?: string | undefined };
  readonly backendConfig: string | undefined;
  /** Undefined: the project decides. */
  readonly environmentManager: EnvironmentManager | undefined;
  readonly storageDirectory: string | undefined;
  readonly runId: string | undefined;
  readonly runName: string | undefined;
  readonly buildImage: boolean;
  /** Whether the command logs by way of a server of ours; undefined: in containers, to local stores. */
  readonly trackingProxy: boolean | undefined;
  /** As typed: `NAME=value`, or `NAME` to copy ours. */
  readonly variableArguments: readonly string[];
  readonly variableFiles: readonly string[];
  /** Between the first signal to the command and SIGKILL. */
  readonly graceMs: number;
  /** For how long the end of the run is tried to be written where its store has gone. */
  readonly storeDeadlineMs: number;
}
