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
  try {
    setDefaultCACertificates([...getCACertificates('default'), bundle]);
  } catch (cause) {
    const variable = BUNDLES.find((name) => env[name]) ?? BUNDLES[0];
    throw new InvalidInput(`${variable} names \`${env[variable]}\`, which holds no certificate`, {
      cause,
    });
  }
}
