import { MltsError } from '../../core/errors.ts';
import { redactUrls } from '../../core/redact.ts';
import { revisions, SCHEMA_VERSION } from './schema/revisions.ts';

/** What the database at hand is, found before anything is written to it. */
export type FoundSchema =
  | { readonly kind: 'empty' }
  | { readonly kind: 'tables'; readonly revision: string | undefined };

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
