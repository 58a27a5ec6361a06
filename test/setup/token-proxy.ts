import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as forward } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificate.ts';

export interface TokenProxy {
  readonly uri: string;
  /** A PEM file with the certificate to trust. */
  readonly certificate: string;
  stop(): Promise<void>;
}

/**
 * Stands before a server as Databricks' front door does: TLS, and 403 without one of the accepted
 * Authorization headers.
 */
export async function startTokenProxy(
  target: string,
  accepted: readonly string[],
): Promise<TokenProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-token-proxy-'));
  const { key, certificate } = await makeCertificate(folder);
  const tls = { key: await readFile(key), cert: await readFile(certificate) };
  const server = createServer(tls, (request, response) => {
    const { authorization, ...headers } = request.headers;
    if (!accepted.includes(authorization ?? '')) {
      const refusal = { error_code: 'PERMISSION_DENIED', message: 'Invalid access token.' };
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(JSON.stringify(refusal));
      return;
    }
    const { host } = new URL(target);
    const options = { method: request.method, headers: { ...headers, host } };
    const upstream = forward(`${target}${request.url}`, options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.once('error', () => response.destroy());
    request.pipe(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { uri: `https://127.0.0.1:${port}`, certificate, stop: () => stop(server, folder) };
}

async function stop(server: Server, folder: string): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
}
