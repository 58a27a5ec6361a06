import { unquotePath } from '../core/artifact-location.ts';
import { InvalidInput } from '../core/errors.ts';

/** Schemes whose address names the host that would be called (`mlflow/store/artifact/host_policy.py`). */
const CALLING = /^(ftp|sftp|hdfs|viewfs|https?|r2|b2|abfss):|^mlflow-artifacts:\/\/(?!\/)/i;
/** `MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH` */
const LONGEST = 2_048;

/**
 * A place that clients choose must not make this server call whatever host they like; hosts of places that it
 * was started with are known.
 *
 * @throws InvalidInput
 */
export function checkHost(location: string, trusted: readonly string[]): void {
  if (!CALLING.test(location)) return;
  const host = hostOf(location);
  if (trusted.some((known) => CALLING.test(known) && hostOf(known) === host)) return;
  throw new InvalidInput(
    `\`${location}\` names a host that this server does not keep artifacts on`,
  );
}

function hostOf(location: string): string {
  const [, scheme = '', host = ''] = /^([a-z][\w+.-]*):\/*([^/?#]*)/i.exec(location) ?? [];
  return `${scheme}://${host}`.toLowerCase();
}

/**
 * Where an experiment's artifacts may go; '' is the server's own choice
 * (`mlflow/server/handlers.py`, `_validate_storage_location_uri`).
 *
 * @throws InvalidInput
 */
export function checkLocation(location: string, trusted: readonly string[]): void {
  if (location === '') return;
  const query = location.split('?').slice(1).join('?');
  if (location.length > LONGEST) refuse(location, `it is longer than ${LONGEST} characters`);
  if (/^runs:/i.test(location)) refuse(location, 'a run is no place');
  if (/[#;]/.test(location)) refuse(location, 'leave out `#` and `;`');
  if (unquotePath(unquotePath(query)).includes('..')) refuse(location, 'leave out `..`');
  checkHost(location, trusted);
}

const LONGEST_SHOWN = 100;

function refuse(location: string, why: string): never {
  const shown = location.slice(0, LONGEST_SHOWN);
  throw new InvalidInput(`\`${shown}\` cannot be an artifact location: ${why}`);
}
