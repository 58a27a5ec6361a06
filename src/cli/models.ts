import { Command } from 'commander';
import type { Context } from '../host/context.ts';
import { createPromoteCommand } from './models/promote.ts';
import { createRegisterCommand } from './models/register.ts';

/** `mlts models`: what is done with models. */
export function modelsCommand(context: Context): Command {
  const group = new Command('models').description('register models, promote their versions');
  const verbs = [createRegisterCommand(context), createPromoteCommand(context)];
  for (const verb of verbs) group.addCommand(verb);
  for (const command of [group, ...verbs]) command.helpOption('-h, --help', 'show this help');
  return group;
}
