import { Command } from 'commander';
import type { Context } from '../host/context.ts';
import { createCreateCommand } from './experiments/create.ts';
import { createCsvCommand } from './experiments/csv.ts';
import { createDeleteCommand } from './experiments/delete.ts';
import { createGetCommand } from './experiments/get.ts';
import { createRenameCommand } from './experiments/rename.ts';
import { createRestoreCommand } from './experiments/restore.ts';
import { createSearchCommand } from './experiments/search.ts';
import { createSetTagCommand } from './experiments/set-tag.ts';
import { createUpdateCommand } from './experiments/update.ts';

/** `mlts experiments`: the verbs of `mlflow experiments`, and what is new. */
export function experimentsCommand(context: Context): Command {
  const group = new Command('experiments').description('create, find and change experiments');
  const verbs = [
    createSearchCommand(context),
    createGetCommand(context),
    createCsvCommand(context),
    createCreateCommand(context),
    createRenameCommand(context),
    createUpdateCommand(context),
    createSetTagCommand(context),
    createDeleteCommand(context),
    createRestoreCommand(context),
  ];
  for (const verb of verbs) group.addCommand(verb);
  for (const command of [group, ...verbs]) command.helpOption('-h, --help', 'show this help');
  return group;
}
