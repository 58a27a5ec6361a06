import type { DatabaseSync } from 'node:sqlite';

/** What holds for each connection to a database of MLflow's, whatever it does. */
export function speakAsMlflow(file: DatabaseSync): void {
  // As MLflow's store sets it (`mlflow/store/db/utils.py`); ILIKE compares lower case.
  file.exec('pragma case_sensitive_like = true');
  // Else SQLite writes to a file what it would need to undo a statement of many rows, or a savepoint.
  file.exec('pragma temp_store = memory');
}

/** In thousands of bytes: what is written together by many clients would not fit into SQLite's 2 MB. */
const CACHE_OF_SERVER = 32_000;

/** In pages, of 4 KiB in most databases. Clients write to the same pages again and again, which are copied back once. */
const LOG_OF_SERVER = 16_000;

/**
 * What is written goes to a log first, which is synced once for each transaction, as safe as SQLite's own way, which
 * syncs three times; readers do not wait. Other programs follow by themselves. Where it is not possible (network
 * drives, another program in the middle of something) all stays as it is.
 *
 * @returns whether it is so now.
 */
export function journalAhead(file: DatabaseSync): boolean {
  try {
    file.exec(`pragma journal_mode = wal; pragma synchronous = full;
      pragma cache_size = -${CACHE_OF_SERVER}; pragma wal_autocheckpoint = ${LOG_OF_SERVER}`);
  } catch {
    file.exec('pragma synchronous = full');
  }
  const { journal_mode: mode } = file.prepare('pragma journal_mode').get() ?? {};
  return mode === 'wal';
}
