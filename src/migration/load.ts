import { join } from 'node:path';
import { MltsError, Unavailable } from '../core/errors.ts';
import type { NewDatabase, NewRow } from '../sql/new-database.ts';
import { ENTITIES, ENTITY_TABLES, type Entity, type EntityCount } from './entity.ts';
import { listValueFiles, readValue } from './folder.ts';

export interface LoadOptions {
  readonly database: NewDatabase;
  /** Milliseconds since the epoch, for entities whose folder does not say when they were made. */
  readonly nowMs: number;
  /** Told once for each thing that cannot be taken along, with its path in front. */
  readonly onLeft: (problem: string) => void;
}

/** One folder on its way into one database: counts what is stored, and names what cannot be. */
export class Load {
  readonly nowMs: number;
  readonly #database: NewDatabase;
  readonly #onLeft: (problem: string) => void;
  readonly #stored = new Map<Entity, number>();
  readonly #repeated = new Map<Entity, number>();
  #left = 0;

  constructor({ database, nowMs, onLeft }: LoadOptions) {
    this.nowMs = nowMs;
    this.#database = database;
    this.#onLeft = onLeft;
  }

  /** How many things could not be taken along. */
  get left(): number {
    return this.#left;
  }

  /** False where a row with the same key is there already. */
  insert(entity: Entity, row: NewRow): boolean {
    const isNew = this.#database.insert(ENTITY_TABLES[entity][0], row);
    if (isNew) addOne(this.#stored, entity);
    return isNew;
  }

  /** As `insert`, for what may come twice and is one thing. */
  insertOnce(entity: Entity, row: NewRow): void {
    if (!this.insert(entity, row)) addOne(this.#repeated, entity);
  }

  /** Each file below `folder` as a key and its value, a row of which `toRow` makes. */
  insertValues(
    entity: Entity,
    folder: string,
    toRow: (key: string, value: string) => NewRow,
    skip: ReadonlySet<string> = NONE,
  ): void {
    for (const key of listValueFiles(folder)) {
      if (skip.has(key)) continue;
      this.attempt(join(folder, key), () => {
        this.insert(entity, toRow(key, readValue(join(folder, key))));
      });
    }
  }

  leave(problem: string): void {
    this.#left += 1;
    this.#onLeft(problem);
  }

  /**
   * Runs `work`; what it finds damaged is told and left behind, with what `also` says. A full disk is not
   * swallowed.
   */
  attempt(path: string, work: () => void, also: () => string = () => ''): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof MltsError) || error instanceof Unavailable) throw error;
      const where = error.message.includes(path) ? '' : `${path}: `;
      this.leave(`${where}${error.message}${also()}`);
    }
  }

  /** @throws MltsError where the database does not hold what was put into it. */
  verify(): readonly EntityCount[] {
    return ENTITIES.map((entity) => {
      const [table, condition] = [...ENTITY_TABLES[entity]];
      const stored = this.#database.count(table, condition);
      const expected = this.#stored.get(entity) ?? 0;
      if (stored !== expected) {
        throw new MltsError(
          'INTERNAL_ERROR',
          `the new database holds ${stored} ${entity}, but ${expected} were written`,
          { hint: 'nothing was put in place: run it again on another disk' },
        );
      }
      return { entity, stored, repeated: this.#repeated.get(entity) ?? 0 };
    });
  }
}

const NONE: ReadonlySet<string> = new Set();

function addOne(counts: Map<Entity, number>, entity: Entity): void {
  counts.set(entity, (counts.get(entity) ?? 0) + 1);
}
