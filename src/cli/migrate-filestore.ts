import { dirname, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { AlreadyExists, InvalidInput, RequirementFailed, UsageError } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { kindOf } from '../host/files.ts';
import { isFolder } from '../host/folders.ts';
import type { EntityCount } from '../migration/entity.ts';
import type { MigrationResult } from '../migration/migrate.ts';
import { type Column, createOutputOption, type OutputFormat, printRows } from './output.ts';

interface MigrateFlags {
  readonly source: string;
  readonly target: string;
  readonly progress: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly output: OutputFormat;
}

const COLUMNS: readonly Column<EntityCount>[] = [
  { heading: 'entity', cell: ({ entity }) => entity },
  { heading: 'migrated', cell: ({ stored }) => String(stored) },
  { heading: 'repeated', cell: ({ repeated }) => String(repeated) },
];

/** `mlflow migrate-filestore` (`mlflow/store/fs2db/cli.py`). */
export function migrateFilestoreCommand(context: Context): Command {
  return new Command('migrate-filestore')
    .summary('bring a folder of runs and models into a SQLite database')
    .description(
      'Brings all that a file store holds (experiments, runs, traces, models, the model registry) into a\n' +
        'new SQLite database. The folder stays as it is, and artifacts stay where they are.',
    )
    .addOption(
      new Option(
        '--source <folder>',
        'the store, or the folder with its mlruns',
      ).makeOptionMandatory(),
    )
    .addOption(
      new Option('--target <uri>', 'a new database: sqlite:///mlflow.db').makeOptionMandatory(),
    )
    .option('--progress', 'tell how far it is', true)
    .option('--no-progress', 'do not')
    .option('--dry-run', 'do all but put the database in place')
    .option('-y, --yes', 'replace a database that is there without asking')
    .addOption(createOutputOption())
    .helpOption('-h, --help', 'show this help')
    .action((flags: MigrateFlags) => migrateFilestore(flags, context));
}

async function migrateFilestore(flags: MigrateFlags, context: Context): Promise<void> {
  const { isDryRun, folder, path } = await checkFlags(flags, context);
  const { terminal, interrupts } = context;
  const { migrateIntoSqlite } = await import('../migration/into-sqlite.ts');
  const migrate = (onProgress: (text: string) => void) =>
    migrateIntoSqlite(
      { path, isDryRun },
      {
        folder,
        nowMs: context.now(),
        signal: interrupts.signal,
        onProgress,
        onLeft: (problem) => terminal.warn(`left behind: ${problem}`),
      },
    );
  const title = `${isDryRun ? 'reading' : 'migrating'} ${folder}`;
  const result = flags.progress
    ? await terminal.progress(title, (update) => migrate((text) => update(`${title}: ${text}`)))
    : await migrate(() => {});
  const shown = flags.output === 'table' ? result.counts.filter(isThere) : result.counts;
  await printRows(shown, COLUMNS, flags.output, terminal);
  report(result, isDryRun, path, context);
}

async function checkFlags({ source, target, dryRun, yes }: MigrateFlags, context: Context) {
  const sourceFolder = resolve(context.cwd, source);
  if (!(await isFolder(sourceFolder))) {
    throw new UsageError(`--source: there is no folder ${sourceFolder}`, {
      hint: 'name the folder that MLFLOW_TRACKING_URI named, or the one above its mlruns',
    });
  }
  const path = await readTarget(target, context);
  const { findStoreFolder } = await import('../migration/migrate.ts');
  const folder = findStoreFolder(sourceFolder);
  const isDryRun = dryRun ?? false;
  if (!isDryRun && !yes && (await kindOf(path)) !== undefined) await askToReplace(path, context);
  return { isDryRun, folder, path };
}

async function readTarget(target: string, context: Context): Promise<string> {
  if (!/^sqlite(\+\w+)?:/.test(target)) {
    throw new UsageError('--target takes a SQLite database only', {
      hint: 'write sqlite:///mlflow.db, or sqlite:////absolute/path/mlflow.db',
    });
  }
  const { parseSqliteUri } = await import('../sql/sqlite.ts');
  const { path } = parseSqliteUri(target, context.cwd);
  if (!(await isFolder(dirname(path)))) {
    throw new UsageError(`--target: there is no folder ${dirname(path)}`, {
      hint: 'make it first, or name another file',
    });
  }
  if (await isFolder(path)) {
    throw new InvalidInput(`--target: ${path} is a folder`, {
      hint: 'add the name of a file to it',
    });
  }
  return path;
}

async function askToReplace(path: string, context: Context): Promise<void> {
  const { confirm } = await import('../host/question.ts');
  if (await confirm(`${path} exists already. Replace it and all that is in it?`, context)) return;
  throw new AlreadyExists(`${path} exists already, and stays as it is`, {
    hint: 'name another file, or replace it with --yes',
  });
}

function isThere({ stored, repeated }: EntityCount): boolean {
  return stored > 0 || repeated > 0;
}

function report({ left }: MigrationResult, isDryRun: boolean, path: string, context: Context) {
  const { terminal } = context;
  if (isDryRun) terminal.note(`would be in ${path}; nothing was written (--dry-run)`);
  else terminal.note(`all of this is in ${path}; use it: MLFLOW_TRACKING_URI=sqlite:///${path}`);
  if (left === 0) return;
  const things = left === 1 ? '1 thing' : `${left} things`;
  throw new RequirementFailed(`${things} could not be read, as told above; the rest is complete`, {
    hint: isDryRun
      ? 'mend them, or migrate without them'
      : 'keep the folder; mend them and migrate again with --yes',
  });
}
