import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer, request } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetch, ProxyAgent } from 'undici';
import { trustBundle } from '../../src/host/http/certificates.ts';
import { startAzureServer } from './azure.ts';
import { makeCertificate } from './certificate.ts';

const HOST = 'devstoreaccount1.blob.core.windows.net';

export interface AzureLogin {
  /** Variables of a machine that Azure gives a login to, and that finds Azure's own addresses here. */
  readonly env: Readonly<Record<string, string>>;
  readonly host: string;
  /** `GET /path?query` of all that the blob service was asked for, in the order in which it came. */
  readonly requests: string[];
  /** How the next questions for a key to sign with are refused: by Azure's status and code. */
  refusal: { readonly status: number; readonly code: string } | undefined;
  /** The status that somebody without a login gets. */
  ask(url: string, method: 'GET' | 'PUT'): Promise<number>;
  stop(): Promise<void>;
}

/**
 * A storage account of Azure under its real name, and a machine's login to it. The account is Azurite behind a proxy, to
 * which `HTTPS_PROXY` leads; the login is the one that Azure gives its web apps (`IDENTITY_ENDPOINT`). Azurite takes any
 * token, so who may not sign is refused by what stands before it.
 */
export async function startAzureLogin(containers: readonly string[]): Promise<AzureLogin> {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-azure-login-'));
  const files = await makeCertificate(folder, [HOST]);
  const [key, certificate] = await Promise.all([readFile(files.key), readFile(files.certificate)]);
  const azurite = await startAzureServer(files);
  await trustBundle({ REQUESTS_CA_BUNDLE: files.certificate });
  for (const name of containers) await azurite.createContainer(name);

  const login: Pick<AzureLogin, 'requests' | 'refusal'> = { requests: [], refusal: undefined };
  const { port } = new URL(azurite.uri);
  const account = createTlsServer({ key, cert: certificate }, (incoming, answer) => {
    const { method = 'GET', url = '/', headers } = incoming;
    login.requests.push(`${method} ${url}`);
    if (login.refusal !== undefined && url.includes('comp=userdelegationkey')) {
      answer.writeHead(login.refusal.status, {
        'content-type': 'application/xml',
        'x-ms-error-code': login.refusal.code,
      });
      const message = 'This request is not authorized to perform this operation.';
      answer.end(`<Error><Code>${login.refusal.code}</Code><Message>${message}</Message></Error>`);
      return;
    }
    const target = { host: '127.0.0.1', port, path: url, method, headers, ca: certificate };
    const forwarded = request({ ...target, servername: HOST }, (response) => {
      answer.writeHead(response.statusCode ?? 500, response.rawHeaders);
      response.pipe(answer);
    });
    forwarded.on('error', () => answer.destroy());
    incoming.pipe(forwarded);
  });
  const proxy = createServer().on('connect', (_request, socket) => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    account.emit('connection', socket);
  });
  const identity = createServer(giveToken);
  const [proxyUri, identityUri] = await Promise.all([listen(proxy), listen(identity)]);
  const dispatcher = new ProxyAgent({ uri: proxyUri, requestTls: { ca: certificate } });
  return Object.assign(login, {
    host: HOST,
    env: {
      ...{ HTTPS_PROXY: proxyUri, https_proxy: proxyUri },
      ...{ NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
      REQUESTS_CA_BUNDLE: files.certificate,
      IDENTITY_ENDPOINT: `${identityUri}/msi/token`,
      IDENTITY_HEADER: SECRET,
    },
    async ask(url: string, method: 'GET' | 'PUT') {
      const { status } = await fetch(url, {
        method,
        dispatcher,
        ...(method === 'PUT' ? { body: 'x' } : {}),
      });
      return status;
    },
    async stop() {
      await dispatcher.close();
      for (const server of [account, proxy, identity]) {
        server.closeAllConnections();
        server.close();
      }
      await azurite.stop();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

const SECRET = randomUUID();

/** Answers as the endpoint of Azure's App Service. */
const giveToken: RequestListener = ({ headers, url = '' }, answer) => {
  const { searchParams } = new URL(url, 'http://127.0.0.1');
  const resource = searchParams.get('resource') ?? '';
  if (headers['x-identity-header'] !== SECRET) {
    answer.writeHead(401).end();
    return;
  }
  const now = Math.floor(Date.now() / 1_000);
  const ends = now + 86_400;
  const claims = { aud: resource, iss: 'https://sts.windows.net/tenant/', iat: now, nbf: now - 60 };
  const token = [{ alg: 'none' }, { ...claims, exp: ends, oid: 'machine', tid: 'tenant' }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  answer.writeHead(200, { 'content-type': 'application/json' });
  const given = { access_token: `${token}.none`, expires_on: String(ends), resource };
  answer.end(JSON.stringify({ ...given, token_type: 'Bearer', client_id: 'machine' }));
};

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
