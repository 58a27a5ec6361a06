import type { MltsError } from '../../core/errors.ts';
import type { FoundSchema } from '../schema-check.ts';
import type { DialectWords, SchemaChange } from './migration.ts';

/** What a dialect brings along for an upgrade; words in braces are filled in before. */
export interface SchemaTools extends Omit<SchemaChange, 'nowMs' | 'breathe'> {
  readonly words: DialectWords;
}

/** A database that is about to be upgraded, whatever its revision. */
export interface UpgradableDatabase {
  find(): Promise<FoundSchema>;
  holdsData(): Promise<boolean>;
  /**
   * Runs `work` in one transaction, which keeps every other writer out, and every other upgrade: all that it does is
   * there in the end, or nothing is.
   */
  transact<T>(work: (tools: SchemaTools) => Promise<T>): Promise<T>;
  /** Says a driver's error in our words. */
  explain(error: unknown): MltsError;
  close(): Promise<void>;
}
