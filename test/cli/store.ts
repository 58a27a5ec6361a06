import { DatabaseSync } from 'node:sqlite';

/** One run as the database holds it, read without any code of ours. */
export interface StoredRun {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly experimentId: string;
  readonly artifactUri: string;
  readonly userId: string;
  readonly endTimeMs: number | null;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

type Row = Readonly<Record<string, string | number | null>>;

/** All runs of a SQLite tracking database, oldest first. */
export function readRuns(databasePath: string): StoredRun[] {
  const database = new DatabaseSync(databasePath, { readOnly: true });
  try {
    const rows = database.prepare('SELECT * FROM runs ORDER BY start_time, rowid').all() as Row[];
    const pairs = (table: string, id: string): Record<string, string> =>
      Object.fromEntries(
        (
          database
            .prepare(`SELECT key, value FROM ${table} WHERE run_uuid = ? ORDER BY key`)
            .all(id) as Row[]
        ).map(({ key, value }) => [String(key), String(value)]),
      );
    return rows.map((row) => ({
      id: String(row.run_uuid),
      name: String(row.name),
      status: String(row.status),
      experimentId: String(row.experiment_id),
      artifactUri: String(row.artifact_uri),
      userId: String(row.user_id),
      endTimeMs: row.end_time as number | null,
      params: pairs('params', String(row.run_uuid)),
      tags: pairs('tags', String(row.run_uuid)),
    }));
  } finally {
    database.close();
  }
}

/** The one run that a test made. */
export function readOnlyRun(databasePath: string): StoredRun {
  const runs = readRuns(databasePath);
  const [run] = runs;
  if (run === undefined || runs.length > 1)
    throw new Error(`${runs.length} runs in ${databasePath}`);
  return run;
}
