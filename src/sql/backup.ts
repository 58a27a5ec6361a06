import type { Context } from '../host/context.ts';
import { withFileBeside } from '../host/file-beside.ts';
import { BUSY_WAIT_MS, explainSqliteError, parseSqliteUri } from './sqlite.ts';

/** All pages in one step: what is written meanwhile is not in the copy, and does not make it begin again. */
const ALL_PAGES = 2_147_483_647;

/**
 * Copies a SQLite database as it is at one moment, whoever writes to it meanwhile. The copy appears at `target`
 * when all of it is there and can be read.
 *
 * @throws InvalidInput for a URI that is no file's, or where nothing can be written; Unavailable where there is no
 * database, or the disk is full.
 */
export async function backUpSqlite(uri: string, target: string, { cwd }: Context): Promise<void> {
  const { path } = parseSqliteUri(uri, cwd);
  const { DatabaseSync, backup } = await import('node:sqlite');
  const explain = (error: unknown): never => {
    throw explainSqliteError(error, path);
  };
  const open = async (file: string) =>
    new DatabaseSync(file, { readOnly: true, timeout: BUSY_WAIT_MS });
  const source = await open(path).catch(explain);
  try {
    await withFileBeside(target, async (file) => {
      await backup(source, file.path, { rate: ALL_PAGES }).catch(explain);
      const copy = await open(file.path);
      try {
        checkCopy(copy.prepare('pragma quick_check(1)').get()?.quick_check);
      } catch (error) {
        throw explainSqliteError(error, target);
      } finally {
        copy.close();
      }
      await file.place();
    });
  } finally {
    source.close();
  }
}

function checkCopy(verdict: unknown): void {
  if (verdict !== 'ok') throw new Error(`the database is damaged: ${verdict}`);
}
