import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Env, variables } from '../core/environment-variables.ts';
import type { Mount } from '../core/launch.ts';
import { kindOf } from '../host/files.ts';

/** A file of ours that a variable names inside the container. */
interface CredentialFile {
  readonly variable: string;
  /** Below the home folder; where the client looks if the variable is not set. */
  readonly fallback?: string;
  readonly target: string;
}

interface Access {
  /** Schemes of artifact addresses; undefined: always needed. */
  readonly schemes: readonly string[] | undefined;
  readonly names: RegExp;
  readonly files: readonly CredentialFile[];
}

/**
 * What reaches the store and the artifacts, as MLflow's `_get_docker_artifact_storage_cmd_and_envs`
 * (`mlflow/projects/backend/local.py`), with what that leaves out: session tokens, the files' own
 * variables (MLflow mounts `~/.aws` where no client looks), Azure's service principals.
 */
const ACCESS: readonly Access[] = [
  {
    schemes: undefined,
    names: /^_?MLFLOW_/,
    files: [
      { variable: variables.trackingServerCertPath, target: '/.mlflow/server.pem' },
      { variable: variables.trackingClientCertPath, target: '/.mlflow/client.pem' },
    ],
  },
  {
    schemes: ['s3'],
    names: /^AWS_/,
    files: [
      {
        variable: 'AWS_SHARED_CREDENTIALS_FILE',
        fallback: '.aws/credentials',
        target: '/.aws/credentials',
      },
      { variable: 'AWS_CONFIG_FILE', fallback: '.aws/config', target: '/.aws/config' },
      { variable: 'AWS_WEB_IDENTITY_TOKEN_FILE', target: '/.aws/web-identity-token' },
      { variable: 'AWS_CA_BUNDLE', target: '/.aws/certificates.pem' },
    ],
  },
  {
    schemes: ['wasb', 'wasbs', 'abfs', 'abfss', 'az'],
    names: /^AZURE_/,
    files: [{ variable: 'AZURE_CLIENT_CERTIFICATE_PATH', target: '/.azure/certificate.pem' }],
  },
  {
    schemes: ['dbfs'],
    names: /^DATABRICKS_/,
    files: [
      {
        variable: variables.databricksConfigFile,
        fallback: '.databrickscfg',
        target: '/.databrickscfg',
      },
    ],
  },
  {
    schemes: ['gs'],
    names: /^GOOGLE_CLOUD_PROJECT$/,
    files: [
      {
        variable: 'GOOGLE_APPLICATION_CREDENTIALS',
        fallback: '.config/gcloud/application_default_credentials.json',
        target: '/.gcs',
      },
    ],
  },
];

/** Settings that name places or programs of this machine. */
const LOCAL_SETTINGS: readonly string[] = [
  variables.environmentRoot,
  variables.storageDirectory,
  variables.condaHome,
  variables.condaCreateCommand,
];

/** The credential files that there are: variable to path on this machine. */
export type CredentialFiles = ReadonlyMap<string, string>;

export async function findCredentialFiles(env: Env): Promise<CredentialFiles> {
  const found = new Map<string, string>();
  for (const { variable, fallback } of ACCESS.flatMap(({ files }) => files)) {
    const path =
      env[variable] || (fallback === undefined ? undefined : join(env.HOME || homedir(), fallback));
    const kind = path === undefined ? undefined : await kindOf(path).catch(() => undefined);
    if (path !== undefined && kind === 'file') found.set(variable, path);
  }
  return found;
}

/** Variables and read-only files that the container gets for artifacts at `artifactUri`; pure. */
export function describeCredentials(
  artifactUri: string,
  env: Readonly<Record<string, string>>,
  present: CredentialFiles,
): { readonly env: Readonly<Record<string, string>>; readonly mounts: readonly Mount[] } {
  const scheme = /^([a-z0-9+.-]+):/i.exec(artifactUri)?.[1] ?? '';
  const needed = ACCESS.filter(({ schemes }) => schemes?.includes(scheme) ?? true);
  const files = needed.flatMap((access) => access.files);
  const copied = Object.entries(env).filter(
    ([name]) =>
      needed.some(({ names }) => names.test(name)) &&
      !LOCAL_SETTINGS.includes(name) &&
      !files.some(({ variable }) => variable === name),
  );
  const mounted = files.filter(({ variable }) => present.has(variable));
  return {
    env: Object.fromEntries([
      ...copied,
      ...mounted.map(({ variable, target }) => [variable, target]),
    ]),
    mounts: mounted.map(({ variable, target }) => ({
      source: present.get(variable) ?? '',
      target,
      readOnly: true,
    })),
  };
}
