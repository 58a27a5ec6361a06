import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { createDatabaseOption, type DatabaseFlags, withAuthStores } from './database.ts';
import { PASSWORD_HELP, readPassword } from './new-password.ts';

interface CreateFlags extends DatabaseFlags {
  readonly admin: boolean;
  readonly password?: string;
}

/** `mlts users create NAME` */
export function createCreateCommand(context: Context): Command {
  return new Command('create')
    .description('make a user; the password is typed, or comes from stdin')
    .argument('<name>', 'what the user logs in as')
    .option('--admin', 'may do everything', false)
    .option('--password <password>', PASSWORD_HELP)
    .addOption(createDatabaseOption())
    .action((name: string, flags: CreateFlags) => createUser(name, flags, context));
}

function createUser(name: string, flags: CreateFlags, context: Context): Promise<void> {
  return withAuthStores(flags, context, async ({ users }) => {
    const password = await readPassword(flags.password, context);
    const { id } = await users.create(name, password, flags.admin);
    context.terminal.note(`made ${flags.admin ? 'admin' : 'user'} ${name} (id ${id})`);
  });
}
