import { Command, InvalidArgumentError } from 'commander';
import type { Context } from '../../host/context.ts';
import type { TokenInfo } from '../../server/auth/token-store.ts';
import { type Column, createOutputOption, type OutputFormat, printRows } from '../output.ts';
import { createDatabaseOption, type DatabaseFlags, withAuthStores } from './database.ts';

interface TokenFlags extends DatabaseFlags {
  readonly name: string;
  readonly expires?: number;
  readonly output: OutputFormat;
}

const DAY_MS = 86_400_000;
const MOST_DAYS = 36_500;

/** `mlts users token NAME`: what a program logs in with, as MLFLOW_TRACKING_TOKEN. */
export function createTokenCommand(context: Context): Command {
  return new Command('token')
    .description('make a token for a user and show it, this once: for MLFLOW_TRACKING_TOKEN')
    .argument('<name>', 'the user')
    .option('--name <label>', 'what the token is for, such as ci', 'default')
    .option('--expires <days>', 'when it ends; default: never', parseDays)
    .addOption(createOutputOption(['table', 'json']))
    .addOption(createDatabaseOption())
    .action((name: string, flags: TokenFlags) => makeToken(name, flags, context));
}

function parseDays(text: string): number {
  const days = Number(text);
  if (text !== '' && days > 0 && days <= MOST_DAYS) return days;
  throw new InvalidArgumentError(`It must be a number of days up to ${MOST_DAYS}.`);
}

function makeToken(user: string, flags: TokenFlags, context: Context): Promise<void> {
  return withAuthStores(flags, context, async ({ users, tokens }) => {
    const createdMs = context.now();
    const expiresMs =
      flags.expires === undefined ? undefined : createdMs + Math.round(flags.expires * DAY_MS);
    const { id } = await users.get(user);
    const token = await tokens.create(id, { name: flags.name, createdMs, expiresMs });
    if (flags.output === 'table') {
      context.terminal.print(token);
      return;
    }
    const info = toJson({ user, name: flags.name, createdMs, expiresMs });
    context.terminal.print(JSON.stringify({ ...info, token }, null, 2));
  });
}

const COLUMNS: readonly Column<ReturnType<typeof toJson>>[] = [
  { heading: 'user', cell: ({ user }) => user },
  { heading: 'name', cell: ({ name }) => name },
  { heading: 'created', cell: ({ created }) => created },
  { heading: 'expires', cell: ({ expires }) => expires ?? 'never' },
];

/** `mlts users tokens` */
export function createTokensCommand(context: Context): Command {
  return new Command('tokens')
    .description('list all tokens by their names; what they are nobody can find out again')
    .addOption(createOutputOption())
    .addOption(createDatabaseOption())
    .action((flags: TokenFlags) =>
      withAuthStores(flags, context, async ({ tokens }) =>
        printRows((await tokens.list()).map(toJson), COLUMNS, flags.output, context.terminal),
      ),
    );
}

function toJson({ user, name, createdMs, expiresMs }: TokenInfo) {
  const show = (ms: number): string => new Date(ms).toISOString();
  return {
    user,
    name,
    created: show(createdMs),
    expires: expiresMs === undefined ? null : show(expiresMs),
  };
}
