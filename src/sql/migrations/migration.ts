import type { Transaction } from 'kysely';
import type { Flag } from '../tables.ts';

/**
 * One of alembic's revisions: what brings a database from the revision before it to this one. First the tables
 * in `alter` are changed, then `script` is run, then `upgrade`.
 */
export interface Migration {
  /** Alembic's id, as it stands in `alembic_version`. */
  readonly revision: string;
  /** What it is good for, in a few words. */
  readonly summary: string;
  readonly alter?: Readonly<Record<string, TableChange>>;
  /** SQL that SQLite and PostgreSQL understand alike, but for the words in braces (`DialectWords`). */
  readonly script?: string;
  upgrade?(change: SchemaChange): Promise<void>;
}

/** Definitions are written as in `CREATE TABLE`; names need no quotes. */
export interface TableChange {
  readonly dropConstraints?: readonly ConstraintMatch[];
  readonly dropColumns?: readonly string[];
  readonly addColumns?: readonly string[];
  /** New types of columns. */
  readonly types?: Readonly<Record<string, string>>;
  /** Columns that from now on are NOT NULL. */
  readonly required?: readonly string[];
  readonly addConstraints?: readonly string[];
}

/** A constraint by what it does: MLflow left some without a name. Where there is none, none is dropped. */
export type ConstraintMatch =
  | { readonly kind: 'primary key' }
  | { readonly kind: 'foreign key'; readonly to: string }
  | { readonly kind: 'unique'; readonly column: string };

/** Where the two dialects write the same thing differently. */
export interface DialectWords {
  readonly false: string;
  readonly blob: string;
  /** A number that the database gives by itself. */
  readonly identity: string;
  /** What an index on the costs of spans holds beside its columns. */
  readonly covering: string;
}

/** A database in the one transaction in which it is upgraded. */
export interface SchemaChange {
  // biome-ignore lint/suspicious/noExplicitAny: the tables are those of many revisions
  readonly transaction: Transaction<any>;
  readonly dialect: 'sqlite' | 'postgres';
  readonly nowMs: number;
  toFlag(value: boolean): Flag;
  run(script: string): Promise<void>;
  alterTable(table: string, change: TableChange): Promise<void>;
  listColumns(table: string): Promise<readonly string[]>;
  /** Lets signals through, and tells how far a long step is. @throws Interrupted */
  breathe(progress?: string): Promise<void>;
}
