import { Command } from 'commander';
import type { Context } from '../host/context.ts';
import { createCreateCommand } from './users/create.ts';
import { createDeleteCommand } from './users/delete.ts';
import { createGrantCommand, createRevokeCommand } from './users/grant.ts';
import { createListCommand } from './users/list.ts';
import { createPasswordCommand } from './users/password.ts';
import { createTokenCommand, createTokensCommand } from './users/token.ts';

/** `mlts users`: who may log in at `mlts server --app-name basic-auth`, and MLflow's own. */
export function usersCommand(context: Context): Command {
  const group = new Command('users').description(
    'users, tokens and permissions of `server --app-name basic-auth`',
  );
  const verbs = [
    createCreateCommand(context),
    createListCommand(context),
    createPasswordCommand(context),
    createDeleteCommand(context),
    createGrantCommand(context),
    createRevokeCommand(context),
    createTokenCommand(context),
    createTokensCommand(context),
  ];
  for (const verb of verbs) group.addCommand(verb);
  for (const command of [group, ...verbs]) command.helpOption('-h, --help', 'show this help');
  return group;
}
