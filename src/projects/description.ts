import type { EnvironmentSource } from '../environments/environment.ts';
import type { ParameterType, Project } from './project.ts';

/** A project as `mlts run URI --help` and `mlts project validate` show it: plain data, fit for JSON. */
export interface ProjectDescription {
  readonly name: string | null;
  readonly directory: string;
  readonly file: string | null;
  readonly environment: {
    readonly kind: EnvironmentSource['kind'] | 'docker_env';
    readonly from: string | null;
  };
  readonly entryPoints: readonly EntryPointDescription[];
}

export interface EntryPointDescription {
  readonly name: string;
  readonly command: string;
  readonly line: number | null;
  readonly parameters: readonly ParameterDescription[];
}

export interface ParameterDescription {
  readonly name: string;
  readonly type: ParameterType;
  readonly default: string | null;
  readonly required: boolean;
  readonly line: number;
}

/** Pure. `from` is the environment's file, or the image of a Docker project. */
export function describeProject(project: Project): ProjectDescription {
  const { docker, environment } = project;
  return {
    name: project.name ?? null,
    directory: project.directory,
    file: project.file ?? null,
    environment:
      docker === undefined
        ? { kind: environment.kind, from: environment.file ?? null }
        : { kind: 'docker_env', from: docker.image },
    entryPoints: project.entryPoints.map((entryPoint) => ({
      name: entryPoint.name,
      command: entryPoint.command,
      line: entryPoint.line ?? null,
      parameters: entryPoint.parameters.map((parameter) => ({
        name: parameter.name,
        type: parameter.type,
        default: parameter.default ?? null,
        required: parameter.default === undefined,
        line: parameter.line,
      })),
    })),
  };
}
