import { Command } from 'commander';
import type { Context } from '../host/context.ts';
import { createCopyCommand } from './model-versions/copy.ts';
import { createCreateCommand } from './model-versions/create.ts';
import { createDeleteCommand } from './model-versions/delete.ts';
import { createDeleteTagCommand } from './model-versions/delete-tag.ts';
import { createDownloadCommand } from './model-versions/download.ts';
import { createGetCommand } from './model-versions/get.ts';
import { createSearchCommand } from './model-versions/search.ts';
import { createSetTagCommand } from './model-versions/set-tag.ts';
import { createTransitionStageCommand } from './model-versions/transition-stage.ts';
import { createUpdateCommand } from './model-versions/update.ts';

/** `mlts model-versions`: what MLflow has in Python and in its REST API only. */
export function modelVersionsCommand(context: Context): Command {
  const group = new Command('model-versions').description(
    'create, find and change versions of registered models',
  );
  const verbs = [
    createSearchCommand(context),
    createGetCommand(context),
    createCreateCommand(context),
    createDownloadCommand(context),
    createCopyCommand(context),
    createUpdateCommand(context),
    createTransitionStageCommand(context),
    createSetTagCommand(context),
    createDeleteTagCommand(context),
    createDeleteCommand(context),
  ];
  for (const verb of verbs) group.addCommand(verb);
  for (const command of [group, ...verbs]) command.helpOption('-h, --help', 'show this help');
  return group;
}
