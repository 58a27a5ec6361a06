import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** PEM files. */
export interface CertificateFiles {
  readonly key: string;
  readonly certificate: string;
}

/** A certificate for 127.0.0.1, and for other hosts, that nobody but who reads it trusts. */
export async function makeCertificate(
  folder: string,
  hosts: readonly string[] = [],
): Promise<CertificateFiles> {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const names = ['IP:127.0.0.1', ...hosts.map((host) => `DNS:${host}`)];
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'],
    ...['-addext', `subjectAltName=${names.join(',')}`, '-keyout', key, '-out', certificate],
  ]);
  return { key, certificate };
}
