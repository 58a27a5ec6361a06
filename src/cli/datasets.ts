import { Command } from 'commander';
import type { Context } from '../host/context.ts';
import { createListCommand } from './datasets/list.ts';

/** `mlts datasets`: the verb of `mlflow datasets`. */
export function datasetsCommand(context: Context): Command {
  const group = new Command('datasets').description('find GenAI evaluation datasets');
  const verbs = [createListCommand(context)];
  for (const verb of verbs) group.addCommand(verb);
  for (const command of [group, ...verbs]) command.helpOption('-h, --help', 'show this help');
  return group;
}
