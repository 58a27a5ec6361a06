import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { createDatabaseOption, type DatabaseFlags, withAuthStores } from './database.ts';
import { PASSWORD_HELP, readPassword } from './new-password.ts';

interface PasswordFlags extends DatabaseFlags {
  readonly password?: string;
}

/** `mlts users password NAME`: servers that run take only the new one from then on. */
export function createPasswordCommand(context: Context): Command {
  return new Command('password')
    .description('give a user a new password, typed or from stdin')
    .argument('<name>', 'the user')
    .option('--password <password>', PASSWORD_HELP)
    .addOption(createDatabaseOption())
    .action((name: string, flags: PasswordFlags) =>
      withAuthStores(flags, context, async ({ users }) => {
        await users.get(name);
        await users.change(name, { password: await readPassword(flags.password, context) });
        context.terminal.note(`${name} has a new password`);
      }),
    );
}
