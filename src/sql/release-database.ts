import { InvalidInput } from '../core/errors.ts';
import { explainSqliteError } from './sqlite.ts';

const NOT_A_DATABASE = 26;
const BUSY = 5;

/**
 * Makes ready for another file to take the place of the database at `path`: what lies in its journals goes into it
 * and they are removed, so that they are not taken for the other's.
 *
 * @throws InvalidInput where it is no database, or is in use; Unavailable for other reasons.
 */
export async function releaseDatabase(path: string): Promise<void> {
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec(
      'pragma locking_mode = exclusive; pragma journal_mode = delete; begin exclusive; rollback',
    );
  } catch (error) {
    const { errcode = 0 } = error as { errcode?: number };
    if ((errcode & 0xff) === BUSY) {
      throw new InvalidInput(`${path} is in use by another program`, {
        hint: 'end it first (`fuser` names it), or name another file',
        cause: error,
      });
    }
    if ((errcode & 0xff) !== NOT_A_DATABASE) throw explainSqliteError(error, path);
    throw new InvalidInput(`${path} is there, and is no SQLite database`, {
      hint: 'name another file; what is in this one stays',
      cause: error,
    });
  } finally {
    database.close();
  }
}
