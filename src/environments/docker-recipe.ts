import { type Env, variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import type { EnvironmentRecipe } from '../images/dockerfile.ts';
import type { EnvironmentSource } from './environment.ts';
import { flattenRequirements } from './requirement-lines.ts';
import type { Specification } from './specification.ts';

/** For projects that name no Python; MLflow takes the one it runs on. */
export const DEFAULT_PYTHON = '3.12';
/** `.`, `-e ./x`, `../x`, `file:///x`: files of this machine. */
const LOCAL_REQUIREMENT = /^(?:(?:-e|--editable)[\s=]+)?(?:\.{1,2}(?:[/[]|$)|file:|\/)/;

/**
 * What an image for this specification is made from; requirement files are read in place.
 *
 * @throws InvalidInput where a requirements file is missing or a requirement is a folder of this machine.
 */
export async function createRecipe(
  specification: Specification,
  source: EnvironmentSource,
  env: Env,
): Promise<EnvironmentRecipe> {
  const flat = await flattenRequirements(specification.dependencies, source.directory);
  const local = flat.find(({ text }) => LOCAL_REQUIREMENT.test(text));
  if (local !== undefined) {
    throw new InvalidInput(
      `\`${local.text}\` cannot be installed into an image: it is a local file`,
      {
        hint: 'publish it as a package, or give the project a docker_env',
      },
    );
  }
  return {
    baseImage:
      env[variables.dockerBaseImage] || `python:${specification.python ?? DEFAULT_PYTHON}-slim`,
    buildDependencies: specification.buildDependencies,
    dependencies: flat.filter(({ isConstraint }) => !isConstraint).map(({ text }) => text),
    constraints: flat.filter(({ isConstraint }) => isConstraint).map(({ text }) => text),
  };
}
