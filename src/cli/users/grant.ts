import { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { createDatabaseOption, type DatabaseFlags, withAuthStores } from './database.ts';

const RESOURCE =
  'TYPE:ID, such as experiment:3, registered_model:churn, or for all of them experiment:*';

/** `mlts users grant NAME TYPE:ID PERMISSION` */
export function createGrantCommand(context: Context): Command {
  return new Command('grant')
    .description('let a user do something, or deny it; instead of what it was granted before')
    .argument('<name>', 'the user')
    .argument('<resource>', RESOURCE)
    .argument('<permission>', 'READ, USE, EDIT, MANAGE, or DENY')
    .addOption(createDatabaseOption())
    .action((name: string, resource: string, permission: string, flags: DatabaseFlags) =>
      grant(name, resource, permission, flags, context),
    );
}

async function grant(
  name: string,
  resource: string,
  permission: string,
  flags: DatabaseFlags,
  context: Context,
): Promise<void> {
  const { type, id } = await readResource(resource);
  const { readPermission } = await import('../../server/auth/permission.ts');
  const level = readPermission(permission.toUpperCase(), type);
  await withAuthStores(flags, context, async ({ users, grants }) => {
    await grants.set((await users.get(name)).id, type, id, level);
    context.terminal.note(`${name}: ${level} for ${type} ${id}`);
  });
}

/** `mlts users revoke NAME TYPE:ID` */
export function createRevokeCommand(context: Context): Command {
  return new Command('revoke')
    .description('take back what was granted to a user')
    .argument('<name>', 'the user')
    .argument('<resource>', RESOURCE)
    .addOption(createDatabaseOption())
    .action(async (name: string, resource: string, flags: DatabaseFlags) => {
      const { type, id } = await readResource(resource);
      await withAuthStores(flags, context, async ({ users, grants }) => {
        await grants.remove((await users.get(name)).id, type, id);
        context.terminal.note(`${name}: nothing of its own for ${type} ${id}`);
      });
    });
}

/** Names of models hold what they like but for `/` and `:`, so the first colon ends the type. */
async function readResource(text: string) {
  const { checkPattern, readResourceType } = await import('../../server/auth/permission.ts');
  const [, typeText, id] = /^(\w+):(.+)$/s.exec(text) ?? [];
  if (typeText === undefined || id === undefined) {
    throw new UsageError(`\`${text}\` names no resource`, { hint: RESOURCE });
  }
  const type = readResourceType(typeText);
  checkPattern(id, type);
  return { type, id };
}
