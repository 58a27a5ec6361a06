import { withFileBeside } from '../host/file-beside.ts';
import { kindOf } from '../host/files.ts';
import { createNewDatabase } from '../sql/new-database.ts';
import { releaseDatabase } from '../sql/release-database.ts';
import { type MigrationOptions, type MigrationResult, migrateFolder } from './migrate.ts';

export interface SqliteTarget {
  /** Absolute; what is there is replaced. */
  readonly path: string;
  /** All is done but the last step: the new database is thrown away. */
  readonly isDryRun: boolean;
}

/**
 * Migrates a file store into a SQLite file, which appears under its name when it is whole and was read again.
 *
 * @throws InvalidInput where the old file cannot be replaced or nothing can be written beside it, and what
 * `migrateFolder` throws; the file is as it was then.
 */
export async function migrateIntoSqlite(
  { path, isDryRun }: SqliteTarget,
  options: Omit<MigrationOptions, 'database'>,
): Promise<MigrationResult> {
  const exists = (await kindOf(path)) !== undefined;
  if (exists) await releaseDatabase(path);
  return withFileBeside(path, async (file) => {
    const database = await createNewDatabase(file.path);
    try {
      const result = await migrateFolder({ ...options, database });
      database.close();
      if (isDryRun) return result;
      if (exists) await releaseDatabase(path);
      await file.place();
      return result;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}
