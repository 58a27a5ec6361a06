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
  /** Whether there is an experiment or a registered model in it. */
  holdsData(): Promise<boolean>;
  create(): Promise<void>;
}

/** MLflow 1.15: what came before is read differently. */
const OLDEST_READABLE = '39d1c3be5f05';

/**
 * Fills an empty database at the schema that mlts knows; any other is only looked at. Returns its revision: the
 * newest, or an older one that can be read.
 *
 * @throws MltsError for tables of a newer or a very old MLflow, or of something else.
 */
export async function ensureSchema(steps: SchemaSteps, uri: string): Promise<string> {
  let found = await steps.find();
  if (found.kind === 'empty') {
    await steps.create();
    found = await steps.find();
  }
  return requireReadable(await findLastRevision(readRevision(found), steps), uri);
}

/** A database that holds nothing yet may be one that an MLflow beside us makes: we wait until it stands still. */
export async function findLastRevision(
  found: string | undefined,
  { find, holdsData }: Pick<SchemaSteps, 'find' | 'holdsData'>,
): Promise<string | undefined> {
  if (found !== undefined && (!isOld(found) || (await holdsData()))) return found;
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
 * Lets the newest known schema pass, and older ones that can be read.
 *
 * @throws MltsError with the way out for any other.
 */
export function requireReadable(revision: string | undefined, uri: string): string {
  const shown = redactUrls(uri);
  if (revision === undefined) {
    throw refusal(`${shown} holds tables, but not those of MLflow`, 'name another database');
  }
  const age = revisions.indexOf(revision);
  if (age === -1) {
    throw refusal(
      `${shown} was made by a newer MLflow than ${SCHEMA_VERSION}, or by another program (schema ${revision})`,
      'update mlts, or name another database',
    );
  }
  if (age > revisions.indexOf(OLDEST_READABLE)) {
    throw refusal(
      `${shown} was made by an MLflow before 1.15 (schema ${revision})`,
      `back it up, then run: mlflow db upgrade ${shown} (mlflow==${SCHEMA_VERSION})`,
    );
  }
  return revision;
}

/**
 * Why nothing is written at this revision, undefined for the newest: MLflow's own check
 * (`mlflow/store/db/utils.py`, `_verify_schema`), with its way out.
 */
export function refuseOld(revision: string, uri: string): MltsError | undefined {
  const [newest] = revisions;
  if (revision === newest) return undefined;
  const shown = redactUrls(uri);
  return refusal(
    `${shown} was made by an older MLflow and can only be read (schema ${revision}; ${SCHEMA_VERSION} has ${newest})`,
    `back it up, then run: mlts db upgrade ${shown}`,
  );
}

function refusal(message: string, hint: string): MltsError {
  return new MltsError('INVALID_STATE', message, { hint });
}
