import type { Kysely } from 'kysely';
import { MltsError } from '../core/errors.ts';
import type { Flag, Tables } from './tables.ts';

/** An open database at the schema that mlts knows; what differs between the two kinds of it. */
export interface SqlConnection {
  /** Absolute, as a child process is given it. */
  readonly uri: string;
  readonly database: Kysely<Tables>;
  /** A file answers at once, a server after a round trip: few keep memory small, many save time. */
  readonly runsPerRead: number;
  toFlag(value: boolean): Flag;
  isUniqueViolation(error: unknown): boolean;
  /** Says a driver's error in our words. */
  explain(error: unknown): MltsError;
}

/** Runs `work`; what the driver throws comes out as an `MltsError`. */
export async function explained<T>(
  connection: Pick<SqlConnection, 'explain'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof MltsError ? error : connection.explain(error);
  }
}
