import { setTimeout as sleep } from 'node:timers/promises';
import { MltsError } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';
import { revisions, SCHEMA_VERSION } from './schema/revisions.ts';

const POLL_MS = 100;
/** MLflow takes seconds for a new database, revision after revision; the slowest step is well below this. */
const STANDSTILL_MS = 3_000;

/** What the database at hand is, found before anything is written to it. */
export type FoundSchema =
  | { readonly kind: 'empty' }
  | { readonly kind: 'tables'; readonly revision: string | undefined };

/** How one kind of database is looked at and filled; `create` does nothing where it is no longer empty. */
export interface SchemaSteps {
  find(): Promise<FoundSchema>;
  create(): Promise<void>;
}

/**
 * Leaves a database at the schema that mlts knows: an empty one is filled, any other is only looked at.
 *
 * @throws MltsError for tables of another MLflow, or of something else.
 */
export async function ensureSchema({ find, create }: SchemaSteps, uri: string): Promise<void> {
  let found = await find();
  if (found.kind === 'empty') {
    await create();
    found = await find();
  }
  checkRevision(await findLastRevision(readRevision(found), find), uri);
}

/** An old revision may be one of many that an MLflow beside us goes through: we wait until it stands still. */
async function findLastRevision(
  found: string | undefined,
  find: SchemaSteps['find'],
): Promise<string | undefined> {
  let revision = found;
  for (let sinceMs = Date.now(); isOld(revision) && Date.now() - sinceMs < STANDSTILL_MS; ) {
    await sleep(POLL_MS);
    const next = readRevision(await find());
    if (next !== revision) sinceMs = Date.now();
    revision = next;
  }
  return revision;
}

function readRevision(found: FoundSchema): string | undefined {
  return found.kind === 'empty' ? undefined : found.revision;
}

/** MLflow's first tables come before any revision. */
function isOld(revision: string | undefined): boolean {
  return revision === undefined || revisions.indexOf(revision) > 0;
}

/**
 * Lets nothing but the newest known schema pass: MLflow's own check
 * (`mlflow/store/db/utils.py`, `_verify_schema`), with the two ways out told apart.
 */
export function checkRevision(revision: string | undefined, uri: string): void {
  const [newest] = revisions;
  if (revision === newest) return;
  const shown = redactUrls(uri);
  if (revision === undefined) {
    throw refusal(`${shown} holds tables, but not those of MLflow`, 'name another database');
  }
  throw revisions.includes(revision)
    ? refusal(
        `${shown} was made by an older MLflow (schema ${revision}; ${SCHEMA_VERSION} has ${newest})`,
        `back it up, then run: mlflow db upgrade ${shown} (mlflow==${SCHEMA_VERSION})`,
      )
    : refusal(
        `${shown} was made by a newer MLflow than ${SCHEMA_VERSION} (schema ${revision})`,
        'update mlts, or name another database',
      );
}

function refusal(message: string, hint: string): MltsError {
  return new MltsError('INVALID_STATE', message, { hint });
}
