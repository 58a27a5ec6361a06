import { resolve } from 'node:path';
import { Command } from 'commander';
import { AlreadyExists, InvalidInput } from '../../core/errors.ts';
import { redactUrls } from '../../core/redact.ts';
import type { Context } from '../../host/context.ts';
import { kindOf } from '../../host/files.ts';

interface BackupFlags {
  readonly overwrite: boolean;
}

/** `mlts db backup URL FILE` */
export function createBackupCommand(context: Context): Command {
  return new Command('backup')
    .description(
      'copy a SQLite database as it is at one moment, while servers and runs write to it',
    )
    .argument('<url>', 'sqlite:///FILE')
    .argument('<file>', 'the copy')
    .option('--overwrite', 'replace a copy that is there', false)
    .addHelpText(
      'after',
      '\nArtifacts lie elsewhere, and the users of `server --app-name basic-auth` in a database of their own.',
    )
    .action((url: string, file: string, flags: BackupFlags) => backUp(url, file, flags, context));
}

async function backUp(
  url: string,
  file: string,
  { overwrite }: BackupFlags,
  context: Context,
): Promise<void> {
  if (!/^sqlite(\+\w+)?:/.test(url)) {
    throw new InvalidInput(`mlts backs up SQLite, not \`${redactUrls(url)}\``, {
      hint: url.startsWith('postgresql') ? 'use pg_dump' : 'write sqlite:///FILE',
    });
  }
  const target = resolve(context.cwd, file);
  const kind = await kindOf(target);
  if (kind === 'directory') throw new InvalidInput(`${target} is a folder: name a file in it`);
  if (kind !== undefined && !overwrite) {
    throw new AlreadyExists(`${target} is there already`, {
      hint: 'name another file, or add --overwrite',
    });
  }
  const { backUpSqlite } = await import('../../sql/backup.ts');
  await context.terminal.progress(`backing up ${redactUrls(url)}`, () =>
    backUpSqlite(url, target, context),
  );
  context.terminal.print(target);
}
