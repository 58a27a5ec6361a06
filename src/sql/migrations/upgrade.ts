import { setImmediate as takeTurn } from 'node:timers/promises';
import { MltsError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import { Interrupted } from '../../host/interrupts.ts';
import { explained } from '../connection.ts';
import { type FoundSchema, findLastRevision, requireReadable } from '../schema-check.ts';
import { migrations } from './chain.ts';
import type { DialectWords, Migration, SchemaChange } from './migration.ts';
import type { SchemaTools, UpgradableDatabase } from './upgradable.ts';

/** What an upgrade does, or did; without steps the database is current. */
export interface Upgrade {
  readonly from: string;
  readonly to: string;
  readonly steps: readonly Migration[];
}

/** Hears of each step before it is taken, and of how far a long one is. */
export type StepListener = (upgrade: Upgrade, step: Migration, progress?: string) => void;

/**
 * Opens a database at whatever revision; close it afterwards. Undefined where there are no tables yet.
 *
 * @throws InvalidInput for a URI that cannot be read, Unavailable where there is no database.
 */
export async function openUpgradable(
  uri: string,
  context: Context,
): Promise<UpgradableDatabase | undefined> {
  const database = uri.startsWith('sqlite')
    ? await (await import('./upgradable-sqlite.ts')).openUpgradableSqlite(uri, context)
    : await (await import('./upgradable-postgres.ts')).openUpgradablePostgres(uri);
  if (database === undefined) return undefined;
  try {
    if ((await explained(database, database.find)).kind === 'tables') return database;
  } catch (error) {
    await database.close();
    throw error;
  }
  await database.close();
  return undefined;
}

/**
 * What `upgradeDatabase` would do.
 *
 * @throws MltsError for tables of a newer or a very old MLflow, or of something else.
 */
export async function planUpgrade(database: UpgradableDatabase, uri: string): Promise<Upgrade> {
  return explained(database, async () => {
    const revision = await findLastRevision(revisionOf(await database.find()), database);
    return listSteps(requireReadable(revision, uri));
  });
}

/**
 * Brings a database to the newest schema, as `mlflow db upgrade` does, but in one transaction: whatever ends it half
 * way, the database stays as it was.
 *
 * @throws MltsError as `planUpgrade`, or with the driver's reason; Interrupted.
 */
export async function upgradeDatabase(
  database: UpgradableDatabase,
  uri: string,
  context: Context,
  tell: StepListener,
): Promise<Upgrade> {
  try {
    return await database.transact((tools) => takeSteps(tools, uri, context, tell));
  } catch (error) {
    if (error instanceof Interrupted || error instanceof MltsError) throw error;
    throw database.explain(error);
  }
}

async function takeSteps(
  tools: SchemaTools,
  uri: string,
  context: Context,
  tell: StepListener,
): Promise<Upgrade> {
  // Another upgrade may have been faster: only now nobody else can change it.
  const upgrade = listSteps(requireReadable(await readRevision(tools), uri));
  for (const step of upgrade.steps) {
    const change = createChange(tools, context, (progress) => tell(upgrade, step, progress));
    await change.breathe();
    await takeStep(step, change);
  }
  await tools.transaction.updateTable('alembic_version').set({ version_num: upgrade.to }).execute();
  return upgrade;
}

function revisionOf(found: FoundSchema): string | undefined {
  return found.kind === 'empty' ? undefined : found.revision;
}

async function readRevision({ transaction }: SchemaTools): Promise<string | undefined> {
  const query = transaction.selectFrom('alembic_version').select('version_num');
  return (await query.executeTakeFirst())?.version_num;
}

/** MLflow 1.15's revision, and the one after it, which is for MySQL only, come before the first step. */
function listSteps(from: string): Upgrade {
  const index = migrations.findIndex(({ revision }) => revision === from);
  return { from, to: migrations.at(-1)?.revision ?? from, steps: migrations.slice(index + 1) };
}

function createChange(
  tools: SchemaTools,
  { interrupts, now }: Context,
  tell: (progress?: string) => void,
): SchemaChange {
  const fill = (text: string) => fillWords(text, tools.words);
  return {
    ...tools,
    run: (script) => tools.run(fill(script)),
    alterTable: (table, change) =>
      tools.alterTable(table, { ...change, addColumns: (change.addColumns ?? []).map(fill) }),
    nowMs: now(),
    async breathe(progress) {
      tell(progress);
      // SQLite works without a pause: signals are heard only here.
      await takeTurn();
      interrupts.signal.throwIfAborted();
    },
  };
}

/** `{false}` becomes `0` or `false`, and so on. */
function fillWords(script: string, words: DialectWords): string {
  return Object.entries(words).reduce(
    (text, [name, word]) => text.replaceAll(`{${name}}`, () => word),
    script,
  );
}

async function takeStep({ alter = {}, script, upgrade }: Migration, change: SchemaChange) {
  for (const [table, tableChange] of Object.entries(alter)) {
    await change.alterTable(table, tableChange);
  }
  if (script !== undefined) await change.run(script);
  await upgrade?.(change);
}
