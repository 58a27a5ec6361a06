import { Command } from 'commander';
import { InvalidInput } from '../../core/errors.ts';
import { redactUrls } from '../../core/redact.ts';
import type { Context } from '../../host/context.ts';
import type { UpgradableDatabase } from '../../sql/migrations/upgradable.ts';
import type { Upgrade } from '../../sql/migrations/upgrade.ts';

interface UpgradeFlags {
  readonly dryRun?: boolean;
}

/** `mlflow db upgrade`, in one transaction. */
export function createUpgradeCommand(context: Context): Command {
  return new Command('upgrade')
    .description("bring a database to the newest MLflow's schema: all of it, or nothing")
    .argument('<url>', 'sqlite:///FILE or postgresql://...')
    .option('-n, --dry-run', 'print the steps; change nothing')
    .addHelpText(
      'after',
      '\nThere is no way back: back the database up before, and stop the servers that use it.',
    )
    .action((url: string, { dryRun = false }: UpgradeFlags) => upgrade(url, dryRun, context));
}

async function upgrade(url: string, isDryRun: boolean, context: Context): Promise<void> {
  checkUrl(url);
  const { openUpgradable } = await import('../../sql/migrations/upgrade.ts');
  const database = await openUpgradable(url, context);
  if (database === undefined) return makeTables(url, isDryRun, context);
  try {
    await (isDryRun ? showPlan : carryOut)(database, url, context);
  } finally {
    await database.close();
  }
}

function checkUrl(url: string): void {
  if (/^(sqlite|postgresql)(\+\w+)?:/.test(url)) return;
  throw new InvalidInput(`mlts upgrades SQLite and PostgreSQL, not \`${redactUrls(url)}\``, {
    hint: /^https?:/.test(url)
      ? 'name the database that the server keeps its data in (its --backend-store-uri)'
      : 'write sqlite:///FILE or postgresql://...; for other databases: mlflow db upgrade URL',
  });
}

async function showPlan(
  database: UpgradableDatabase,
  url: string,
  { terminal }: Context,
): Promise<void> {
  const { planUpgrade } = await import('../../sql/migrations/upgrade.ts');
  const plan = await planUpgrade(database, url);
  if (plan.steps.length === 0) return terminal.note(sayCurrent(url, plan));
  for (const { revision, summary } of plan.steps) terminal.print(`${revision}  ${summary}`);
  terminal.note(`would upgrade ${sayRange(url, plan)}`);
}

async function carryOut(
  database: UpgradableDatabase,
  url: string,
  context: Context,
): Promise<void> {
  const { planUpgrade, upgradeDatabase } = await import('../../sql/migrations/upgrade.ts');
  const { terminal } = context;
  const plan = await planUpgrade(database, url);
  if (plan.steps.length === 0) return terminal.note(sayCurrent(url, plan));
  const doing = `upgrading ${redactUrls(url)}`;
  const done = await terminal.progress(doing, (update) =>
    upgradeDatabase(database, url, context, ({ steps }, step, progress) => {
      const number = `${steps.indexOf(step) + 1}/${steps.length}`;
      update(`${doing}: ${number} ${step.summary}${progress === undefined ? '' : `, ${progress}`}`);
    }),
  );
  terminal.note(
    done.steps.length === 0 ? sayCurrent(url, done) : `upgraded ${sayRange(url, done)}`,
  );
}

function sayCurrent(url: string, { to }: Upgrade): string {
  return `${redactUrls(url)} has the newest schema already, ${to}: nothing to do`;
}

function sayRange(url: string, { from, to, steps }: Upgrade): string {
  return `${redactUrls(url)} from schema ${from} to ${to}, in ${steps.length} steps`;
}

/** As MLflow: where there is no database yet, there is one afterwards. */
async function makeTables(url: string, isDryRun: boolean, context: Context): Promise<void> {
  const { openSqlConnection } = await import('../../sql/open.ts');
  const shown = redactUrls(url);
  if (isDryRun) return context.terminal.note(`would make a new database, ${shown}`);
  const connection = await openSqlConnection(url, context);
  await connection.database.destroy();
  context.terminal.note(`made a new database, ${shown}`);
}
