import type { MltsError } from '../core/errors.ts';
import type { DockerEnvironment } from '../environments/docker-environment.ts';
import type { EnvironmentSource } from '../environments/environment.ts';

/** MLproject's parameter types; `str` and whatever is unknown are read as `string`. */
export const PARAMETER_TYPES = ['string', 'int', 'float', 'bool', 'path', 'uri'] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];

export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  /** The text that Python's `str()` gives of the default as PyYAML reads it; absent: required. */
  readonly default: string | undefined;
  /** Line in the MLproject file, from 1. */
  readonly line: number;
}

export interface EntryPoint {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** The command's template: `python train.py --alpha {alpha}`. */
  readonly command: string;
  readonly commandLine: number | undefined;
  /** Absolute path of the MLproject file; undefined for a script (`-e train.py`). */
  readonly file: string | undefined;
  /** Line in the MLproject file, from 1; undefined for a script. */
  readonly line: number | undefined;
  /**
   * What is wrong with this entry point alone: no command, a template that cannot be filled in. MLflow
   * finds such things only when the entry point is run, so they do not keep others from running.
   */
  readonly problems: readonly MltsError[];
}

/** A checked project; made only by `loadProject`. */
export interface Project {
  readonly name: string | undefined;
  /** Absolute. */
  readonly directory: string;
  /** The MLproject file's own name, in whatever case; undefined for a folder without one. */
  readonly file: string | undefined;
  readonly entryPoints: readonly EntryPoint[];
  /** What a Python or conda environment is made from; `kind: 'none'` where the project names nothing. */
  readonly environment: EnvironmentSource;
  readonly docker: DockerEnvironment | undefined;
  readonly warnings: readonly string[];
}
