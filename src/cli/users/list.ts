import { Command } from 'commander';
import type { Context } from '../../host/context.ts';
import type { AuthStores } from '../../server/auth/auth-stores.ts';
import { type Column, createOutputOption, type OutputFormat, printRows } from '../output.ts';
import { createDatabaseOption, type DatabaseFlags, withAuthStores } from './database.ts';

interface ListFlags extends DatabaseFlags {
  readonly output: OutputFormat;
}

interface UserRow {
  readonly id: number;
  readonly username: string;
  readonly is_admin: boolean;
  readonly permissions: readonly {
    readonly resource_type: string;
    readonly resource_pattern: string;
    readonly permission: string;
  }[];
  readonly tokens: readonly string[];
}

const COLUMNS: readonly Column<UserRow>[] = [
  { heading: 'id', cell: ({ id }) => String(id) },
  { heading: 'name', cell: ({ username }) => username },
  { heading: 'admin', cell: ({ is_admin: isAdmin }) => (isAdmin ? 'yes' : '') },
  {
    heading: 'permissions',
    cell: ({ permissions }) =>
      permissions
        .map((own) => `${own.resource_type}:${own.resource_pattern}=${own.permission}`)
        .join(' '),
  },
  { heading: 'tokens', cell: ({ tokens }) => tokens.join(' ') },
];

/** `mlts users list` */
export function createListCommand(context: Context): Command {
  return new Command('list')
    .description('list all users, what was granted to them, and the names of their tokens')
    .addOption(createOutputOption())
    .addOption(createDatabaseOption())
    .action((flags: ListFlags) =>
      withAuthStores(flags, context, async (stores) =>
        printRows(await readRows(stores), COLUMNS, flags.output, context.terminal),
      ),
    );
}

async function readRows({ users, roles, tokens }: AuthStores): Promise<readonly UserRow[]> {
  const all = await tokens.list();
  const rows: UserRow[] = [];
  for (const { id, name, isAdmin } of await users.list()) {
    const permissions = (await roles.listOfUser(id)).flatMap((role) => role.permissions);
    rows.push({
      id,
      username: name,
      is_admin: isAdmin,
      permissions: permissions.map(({ resource_type, resource_pattern, permission }) => ({
        resource_type,
        resource_pattern,
        permission,
      })),
      tokens: all.filter(({ user }) => user === name).map((token) => token.name),
    });
  }
  return rows;
}
