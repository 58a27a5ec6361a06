import { Command } from 'commander';
import { UsageError } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { createBackupCommand } from './db/backup.ts';
import { createUpgradeCommand } from './db/upgrade.ts';

/** MLflow's other verbs for databases: they are about traces and workspaces. */
const LEFT_TO_MLFLOW = [
  'delete-trace-rollups',
  'migrate-to-default-workspace',
  'move-resources',
  'prepopulate-trace-analytics',
];

/** `mlflow db`. */
export function dbCommand(context: Context): Command {
  const group = new Command('db').description(
    'bring databases of older MLflow versions forward, and back them up',
  );
  const verbs = [createUpgradeCommand(context), createBackupCommand(context)];
  for (const verb of verbs) group.addCommand(verb);
  for (const command of [group, ...verbs]) command.helpOption('-h, --help', 'show this help');
  for (const name of LEFT_TO_MLFLOW) group.addCommand(createForeignCommand(name), { hidden: true });
  return group;
}

function createForeignCommand(name: string): Command {
  return new Command(name)
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new UsageError(`mlts has no \`db ${name}\``, { hint: `use: mlflow db ${name}` });
    });
}
