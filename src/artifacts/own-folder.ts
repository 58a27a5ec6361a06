import { appendToLocation } from '../core/artifact-location.ts';
import { InvalidInput } from '../core/errors.ts';
import {
  type ArtifactPlace,
  decodeLeniently,
  isLocal,
  joinPath,
  resolveLocalPath,
  showUri,
  splitSafely,
  trimSlashes,
} from './artifact-uri.ts';

/** What MLflow names the folder of the artifacts of one run or one model. */
const FOLDER = 'artifacts';

/**
 * Splits the address of a run's or a logged model's artifacts into what lies above and `ID/artifacts`,
 * where MLflow always puts them (`SqlAlchemyStore.create_run`, `create_logged_model`).
 *
 * @throws InvalidInput for any other: who can write to a database must not have `/home` or a whole bucket
 * deleted by whoever cleans up.
 */
export function splitOwnFolder(uri: string, id: string, cwd: string): ArtifactPlace {
  const [whole, query] = isLocal(uri) ? [resolveLocalPath(uri, cwd), ''] : splitQuery(uri);
  const own = joinPath(id, FOLDER);
  const isBelow = /^\w[\w-]*$/.test(id) && whole.endsWith(`/${own}`);
  const leadsOut = decodeLeniently(whole).split('/').includes('..');
  if (!isBelow || leadsOut) {
    throw new InvalidInput(`${showUri(uri)} is not \`${own}\` below some folder`, {
      hint: 'look at what lies there and remove it by hand; then run it again with --keep-artifacts',
    });
  }
  const base = whole.slice(0, -own.length - 1);
  return query === '' ? { base: base || '/', path: own } : { base: uri, path: '' };
}

function splitQuery(uri: string): readonly [string, string] {
  const [, whole = uri, query = ''] = /^([^?#]*)(.*)$/s.exec(uri) ?? [];
  return [whole, query];
}

/**
 * Where the artifacts lie that a server gives out as `mlflow-artifacts:`, for those who have no such
 * server at hand but know its `--artifacts-destination`. @throws InvalidInput for a path that leads out.
 */
export function resolveAtDestination(uri: string, destination: string): string {
  const [, path = ''] = /^mlflow-artifacts:(?:\/\/[^/]*)?(.*)$/is.exec(uri) ?? [];
  return appendToLocation(destination, ...splitSafely(trimSlashes(decodeLeniently(path)), ''));
}
