import { Command } from 'commander';
import type { Context } from '../host/context.ts';
import { createBuildDockerCommand } from './models/build-docker.ts';
import { createCheckCommand } from './models/check.ts';
import { createDescribeCommand } from './models/describe.ts';
import { createGenerateDockerfileCommand } from './models/generate-dockerfile.ts';
import { createPredictCommand } from './models/predict.ts';
import { createPrepareEnvCommand } from './models/prepare-env.ts';
import { createPromoteCommand } from './models/promote.ts';
import { createRegisterCommand } from './models/register.ts';
import { createServeCommand } from './models/serve.ts';
import { createServeContainerCommand } from './models/serve-container.ts';
import { createUpdatePipRequirementsCommand } from './models/update-pip-requirements.ts';

/** `mlts models`: what is done with models. */
export function modelsCommand(context: Context): Command {
  const group = new Command('models').description(
    'serve models and predict with them, put them into images, describe and check them, register them, promote their versions',
  );
  const verbs = [
    createServeCommand(context),
    createPredictCommand(context),
    createRegisterCommand(context),
    createPrepareEnvCommand(context),
    createUpdatePipRequirementsCommand(context),
    createDescribeCommand(context),
    createCheckCommand(context),
    createPromoteCommand(context),
    createBuildDockerCommand(context),
    createGenerateDockerfileCommand(context),
  ];
  for (const verb of verbs) group.addCommand(verb);
  for (const command of [group, ...verbs]) {
    // In `serve`, -h is the host, as in MLflow.
    const isTaken = command.options.some(({ short }) => short === '-h');
    command.helpOption(isTaken ? '--help' : '-h, --help', 'show this help');
  }
  group.addCommand(createServeContainerCommand(context), { hidden: true });
  return group;
}
