import { resolve } from 'node:path';
import { unquotePath } from '../core/artifact-location.ts';
import { InvalidInput } from '../core/errors.ts';
import { redactUrls } from '../core/redact.ts';
import { checkDatabricksUri, isDatabricksUri } from './http/databricks.ts';

/** Where a store is, by the form of its URI alone; a folder's path is absolute. */
export type StorePlace =
  | { readonly kind: 'sql' | 'server' }
  | { readonly kind: 'folder'; readonly path: string };

/** What a store is for, as a person calls it. */
export type StoreKind = 'tracking store' | 'model registry';

/** @throws InvalidInput for a URI that mlts has no store for. */
export function locateStore(
  uri: string,
  cwd: string,
  kind: StoreKind = 'tracking store',
): StorePlace {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase() ?? '';
  switch (scheme.replace(/\+.*$/, '')) {
    case 'sqlite':
    case 'postgresql':
      return { kind: 'sql' };
    case 'http':
    case 'https':
      return { kind: 'server' };
    case 'file':
      return { kind: 'folder', path: pathOfFileUri(uri, cwd) };
    case '':
      if (!isDatabricksUri(uri)) return { kind: 'folder', path: resolve(cwd, uri) };
      break;
  }
  if (!isDatabricksUri(uri)) throw unknownStore(uri, scheme, kind);
  checkDatabricksUri(uri);
  return { kind: 'server' };
}

/** `file:///abs`, `file:/abs`, `file:rel` and `file://localhost/abs`. */
function pathOfFileUri(uri: string, cwd: string): string {
  const [, host = '', path = ''] = /^file:(?:\/\/([^/]*))?([^?#]*)/is.exec(uri) ?? [];
  if (host !== '' && !/^(localhost|127\.0\.0\.1)/.test(host)) {
    throw new InvalidInput(`\`${uri}\` names a folder on another machine, \`${host}\``, {
      hint: 'write three slashes before an absolute path: file:///data/mlruns',
    });
  }
  return resolve(cwd, unquotePath(path));
}

const MENDS: Readonly<Record<string, string>> = {
  postgres: 'write postgresql:// (MLflow knows no other name for it)',
  mysql:
    'start `mlflow server --backend-store-uri` on it and name that server (http://...) instead',
  mssql:
    'start `mlflow server --backend-store-uri` on it and name that server (http://...) instead',
};

function unknownStore(uri: string, scheme: string, kind: StoreKind): InvalidInput {
  return new InvalidInput(`mlts has no ${kind} for \`${redactUrls(uri)}\` (\`${scheme}\`)`, {
    hint:
      MENDS[scheme.replace(/\+.*$/, '')] ??
      'use sqlite:///FILE, postgresql://..., a folder, or the http(s):// address of an MLflow server, or databricks',
  });
}
