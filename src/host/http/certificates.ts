import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Env } from '../../core/environment-variables.ts';
import { InvalidInput } from '../../core/errors.ts';

/** Whom to trust, in the variables that Python's `requests` reads. */
const BUNDLES = ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'] as const;

/**
 * The PEM file that the first set one of `first`, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE names.
 *
 * @throws InvalidInput where it cannot be read.
 */
export function readBundle(env: Env, first: readonly string[] = []): Promise<string | undefined> {
  return readCertificate(env, [...first, ...BUNDLES]);
}

/** The PEM file that the first set one of `names` names. @throws InvalidInput where it cannot be read */
export async function readCertificate(
  env: Env,
  names: readonly string[],
): Promise<string | undefined> {
  const variable = names.find((name) => env[name]);
  const path = variable === undefined ? undefined : env[variable];
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new InvalidInput(
      `cannot read the certificate \`${path}\`: ${(cause as NodeJS.ErrnoException).code}`,
      { hint: `${variable} must name a PEM file`, cause },
    );
  }
}

/**
 * Makes the libraries of the clouds, which take no certificates of ours, trust the bundle that Python's would.
 * It holds for the whole process, in which our own client names its certificates itself.
 *
 * @throws InvalidInput where the bundle cannot be read, or holds no certificate.
 */
export async function trustBundle(env: Env): Promise<void> {
  const bundle = await readBundle(env);
  if (bundle === undefined) return;
  // Node takes any text, and passes over what it cannot read.
  if (!bundle.includes('-----BEGIN CERTIFICATE-----')) {
    const variable = BUNDLES.find((name) => env[name]) ?? BUNDLES[0];
    throw new InvalidInput(`${variable} names \`${env[variable]}\`, which holds no certificate`);
  }
  setDefaultCACertificates([...getCACertificates('default'), bundle]);
}

/** Whether an error of this code says that the other side is not trusted, or does not speak TLS as it should. */
export function isTlsCode(code: unknown): boolean {
  return typeof code === 'string' && TLS_CODE.test(code);
}

const TLS_CODE = /CERT|SELF_SIGNED|UNABLE_TO|ERR_SSL|ERR_TLS|EPROTO|CRL/;

/** The error of a store that is not trusted: to ask it again does not help. */
export function distrustError(uri: string, bundleVariable: string, cause: unknown): InvalidInput {
  const [said = ''] = (cause instanceof Error ? cause.message : String(cause)).split(/[;\n]/);
  const hint = `${bundleVariable} names the file with the certificates to trust`;
  return new InvalidInput(`${uri}: TLS: ${said}`, { hint, cause });
}
