import { Command } from 'commander';
import type { Context } from '../host/context.ts';
import { createCreateCommand } from './registered-models/create.ts';
import { createDeleteCommand } from './registered-models/delete.ts';
import { createDeleteAliasCommand } from './registered-models/delete-alias.ts';
import { createDeleteTagCommand } from './registered-models/delete-tag.ts';
import { createGetCommand } from './registered-models/get.ts';
import { createRenameCommand } from './registered-models/rename.ts';
import { createListCommand, createSearchCommand } from './registered-models/search.ts';
import { createSetAliasCommand } from './registered-models/set-alias.ts';
import { createSetTagCommand } from './registered-models/set-tag.ts';
import { createUpdateCommand } from './registered-models/update.ts';

/** `mlts registered-models`: what MLflow has in Python and in its REST API only. */
export function registeredModelsCommand(context: Context): Command {
  const group = new Command('registered-models').description(
    'create, find and change registered models',
  );
  const verbs = [
    createSearchCommand(context),
    createListCommand(context),
    createGetCommand(context),
    createCreateCommand(context),
    createRenameCommand(context),
    createUpdateCommand(context),
    createDeleteCommand(context),
    createSetTagCommand(context),
    createDeleteTagCommand(context),
    createSetAliasCommand(context),
    createDeleteAliasCommand(context),
  ];
  for (const verb of verbs) group.addCommand(verb);
  for (const command of [group, ...verbs]) command.helpOption('-h, --help', 'show this help');
  return group;
}
