import { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { createDatabaseOption, type DatabaseFlags, withAuthStores } from './database.ts';
import {
  createExperimentOptions,
  type ExperimentFlags,
  findExperimentId,
  splitWords,
} from './experiment-name.ts';

const RESOURCE =
  'TYPE:ID, such as experiment:3, registered_model:churn, or for all of them experiment:*';

interface GrantFlags extends DatabaseFlags, ExperimentFlags {}

/** `mlts users grant NAME TYPE:ID PERMISSION` */
export function createGrantCommand(context: Context): Command {
  const command = new Command('grant')
    .description('let a user do something, or deny it; instead of what it was granted before')
    .usage('[options] <name> <resource> <permission>')
    .argument('<name>', 'the user')
    .argument('<resource...>', `${RESOURCE}; then READ, USE, EDIT, MANAGE, or DENY`);
  return addOptions(command).action((name: string, words: readonly string[], flags: GrantFlags) =>
    grant(name, words, flags, context),
  );
}

async function grant(
  name: string,
  words: readonly string[],
  flags: GrantFlags,
  context: Context,
): Promise<void> {
  const [resource, permission = ''] = splitWords(words, ['permission'], flags);
  const { type, id } = await findResource(resource, flags, context);
  const { readPermission } = await import('../../server/auth/permission.ts');
  const level = readPermission(permission.toUpperCase(), type);
  await withAuthStores(flags, context, async ({ users, grants }) => {
    await grants.set((await users.get(name)).id, type, id, level);
    context.terminal.note(`${name}: ${level} for ${type} ${id}`);
  });
}

/** `mlts users revoke NAME TYPE:ID` */
export function createRevokeCommand(context: Context): Command {
  const command = new Command('revoke')
    .description('take back what was granted to a user')
    .usage('[options] <name> <resource>')
    .argument('<name>', 'the user')
    .argument('[resource...]', RESOURCE);
  return addOptions(command).action(
    async (name: string, words: readonly string[], flags: GrantFlags) => {
      const [resource] = splitWords(words, [], flags);
      const { type, id } = await findResource(resource, flags, context);
      await withAuthStores(flags, context, async ({ users, grants }) => {
        await grants.remove((await users.get(name)).id, type, id);
        context.terminal.note(`${name}: nothing of its own for ${type} ${id}`);
      });
    },
  );
}

function addOptions(command: Command): Command {
  for (const option of createExperimentOptions()) command.addOption(option);
  return command.addOption(createDatabaseOption());
}

async function findResource(text: string | undefined, flags: GrantFlags, context: Context) {
  const { experimentName = '' } = flags;
  if (text !== undefined) return readResource(text);
  return {
    type: 'experiment',
    id: await findExperimentId(experimentName, flags, context),
  } as const;
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
