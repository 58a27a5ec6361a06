import type { AbortableQueryOptions, Kysely, Transaction } from 'kysely';
import { MltsError } from '../core/errors.ts';
import { UndoneWithAnother } from './commit-group.ts';
import { isOwnFault } from './own-fault.ts';
import type { Flag, Tables } from './tables.ts';

/** An open database; what differs between the two kinds of it. */
export interface SqlConnection {
  /** Absolute, as a child process is given it. */
  readonly uri: string;
  readonly database: Kysely<Tables>;
  /** For what may take long, and is not to hold up those who write: it reads what is stored. May be `database`. */
  readonly searched: Kysely<Tables>;
  /** A file answers at once, a server after a round trip: few keep memory small, many save time. */
  readonly runsPerRead: number;
  /** Why it can only be read: an older MLflow made it. */
  readonly refusal: MltsError | undefined;
  toFlag(value: boolean): Flag;
  isUniqueViolation(error: unknown): boolean;
  /** Says a driver's error in our words. */
  explain(error: unknown): MltsError;
}

/** Who opens a database: a command that is soon done, or a server that many ask at once. */
export interface SqlUse {
  readonly isServer?: boolean;
}

/** For `execute` of what may take long: it is given up, and the database told so, when nobody waits for it any more. */
export function whileWanted({ signal }: { readonly signal?: AbortSignal | undefined }) {
  return { signal, inflightQueryAbortStrategy: 'cancel query' } satisfies AbortableQueryOptions;
}

/** Runs `work`; what the driver throws comes out as an `MltsError`, but for what is a mistake of ours. */
export async function explained<T>(
  connection: Pick<SqlConnection, 'explain'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof MltsError || isOwnFault(error) ? error : connection.explain(error);
  }
}

/**
 * Runs `work` in a transaction; more than once where it was undone together with another one: besides what it does to the
 * database it must have no effect.
 */
export async function inTransaction<Database, T>(
  database: Kysely<Database>,
  work: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await database.transaction().execute(work);
    } catch (error) {
      if (!(error instanceof UndoneWithAnother)) throw error;
    }
  }
}

/** As `inTransaction`. @throws MltsError where the database can only be read. */
export function changed<T>(
  connection: SqlConnection,
  work: (transaction: Transaction<Tables>) => Promise<T>,
): Promise<T> {
  return explained(connection, () => {
    if (connection.refusal !== undefined) throw connection.refusal;
    return inTransaction(connection.database, work);
  });
}

/** Ends all that it has begun, first what reads. */
export async function closeConnection({
  database,
  searched,
}: Pick<SqlConnection, 'database' | 'searched'>): Promise<void> {
  if (searched !== database) await searched.destroy();
  await database.destroy();
}
