import { InvalidInput } from '../core/errors.ts';
import type { Environment } from '../environments/environment.ts';
import { openEnvironment } from '../environments/open.ts';
import type { Context } from '../host/context.ts';
import type { Project } from './project.ts';
import type { RunOptions } from './run-options.ts';
import type { ProjectSource } from './sources/source.ts';

/**
 * The environment of a project. Its `docker_env` comes first, as in MLflow, where `--env-manager` does not
 * matter to a Docker project; `--env-manager docker` puts any other project into a container too.
 */
export async function openProjectEnvironment(
  project: Project,
  { commit }: ProjectSource,
  options: RunOptions,
  variables: Readonly<Record<string, string>>,
  context: Context,
): Promise<Environment> {
  if (project.docker === undefined && options.environmentManager !== 'docker') {
    refuseDockerOptions(options);
    return openEnvironment(options.environmentManager, project.environment, context);
  }
  const { createDockerEnvironment } = await import('../environments/docker.ts');
  return createDockerEnvironment(
    {
      project: project.name,
      directory: project.directory,
      commit,
      docker: project.docker,
      source: project.environment,
      buildImage: options.buildImage,
      dockerArguments: options.dockerArguments,
      variables,
    },
    context,
  );
}

/** They would be without effect, which their user cannot have meant. */
function refuseDockerOptions({ buildImage, dockerArguments }: RunOptions): void {
  const given = buildImage ? '--build-image' : dockerArguments.size > 0 ? '-A' : undefined;
  if (given === undefined) return;
  throw new InvalidInput(`${given} is for Docker projects, and this project has no docker_env`, {
    hint: 'add --env-manager docker to run it in a container all the same',
  });
}
