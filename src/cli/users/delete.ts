import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import { createDatabaseOption, type DatabaseFlags, withAuthStores } from './database.ts';

interface DeleteFlags extends DatabaseFlags {
  readonly token?: string;
}

/** `mlts users delete NAME`, and one token only with `--token`. */
export function createDeleteCommand(context: Context): Command {
  return new Command('delete')
    .description('delete a user with its grants and tokens, or one token of it')
    .argument('<name>', 'the user')
    .option('--token <label>', 'delete only this token')
    .addOption(createDatabaseOption())
    .action((name: string, flags: DeleteFlags) =>
      withAuthStores(flags, context, async ({ users, tokens }) => {
        const { token } = flags;
        if (token === undefined) await users.delete(name);
        else await tokens.delete(await users.get(name), token);
        context.terminal.note(
          `deleted ${token === undefined ? name : `token ${token} of ${name}`}`,
        );
      }),
    );
}
