import { explained, type SqlConnection } from '../../../sql/connection.ts';
import type { GarbageTables } from '../../../sql/garbage-tables.ts';
import type {
  GarbageCollector,
  GarbageItem,
  GarbageSelection,
  JobSelection,
} from '../../garbage.ts';
import { parseExperimentId } from '../experiment-id.ts';
import { type GarbageDatabase, listExperiments, listJobs, listModels, listRuns } from './list.ts';
import { removeExperiment, removeJob, removeModel, removeRun } from './remove.ts';

/** One workspace by name, or all there are; undefined: MLflow without workspaces, where all is `default`. */
export type WorkspaceChoice = { readonly name: string } | 'all' | undefined;

const LISTS = { run: listRuns, logged_model: listModels, experiment: listExperiments } as const;

/** Forgets what is deleted in a database (`mlflow/store/tracking/sqlalchemy_store.py`). */
export class SqlGarbageCollector implements GarbageCollector {
  readonly uri: string;
  readonly #connection: SqlConnection;
  readonly #database: GarbageDatabase;
  /** Undefined: workspaces are off. */
  readonly #workspaces: readonly string[] | undefined;

  private constructor(connection: SqlConnection, workspaces: readonly string[] | undefined) {
    this.uri = connection.uri;
    this.#connection = connection;
    this.#database = connection.database.withTables<GarbageTables>();
    this.#workspaces = workspaces;
  }

  /** @throws MltsError for a database that can only be read: artifacts would go, and rows would stay. */
  static async open(
    connection: SqlConnection,
    choice: WorkspaceChoice,
  ): Promise<SqlGarbageCollector> {
    try {
      if (connection.refusal !== undefined) throw connection.refusal;
      const workspaces = await explained(connection, () => listWorkspaces(connection, choice));
      return new SqlGarbageCollector(connection, workspaces);
    } catch (error) {
      await connection.database.destroy();
      throw error;
    }
  }

  async list(
    kind: keyof typeof LISTS,
    selection: GarbageSelection,
  ): Promise<readonly GarbageItem[]> {
    const workspaces = this.#workspaces ?? ['default'];
    return explained(this.#connection, () => LISTS[kind](this.#database, workspaces, selection));
  }

  async listJobs(selection: JobSelection): Promise<readonly GarbageItem[]> {
    return explained(this.#connection, () => listJobs(this.#database, this.#workspaces, selection));
  }

  async remove({ kind, id }: GarbageItem): Promise<void> {
    await explained(this.#connection, () =>
      this.#database.transaction().execute(async (transaction) => {
        switch (kind) {
          case 'run':
            return removeRun(transaction, id);
          case 'logged_model':
            return removeModel(transaction, id);
          case 'experiment':
            return removeExperiment(transaction, parseExperimentId(id));
          case 'job':
            return removeJob(transaction, id);
        }
      }),
    );
  }

  async close(): Promise<void> {
    await this.#connection.database.destroy();
  }
}

async function listWorkspaces(
  { database }: SqlConnection,
  choice: WorkspaceChoice,
): Promise<readonly string[] | undefined> {
  if (choice !== 'all') return choice && [choice.name];
  const tables = database.withTables<GarbageTables>();
  const rows = await tables.selectFrom('workspaces').select('name').orderBy('name').execute();
  return rows.map(({ name }) => name);
}
