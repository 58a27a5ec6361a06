import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createHttpClient, type HttpRequest } from '../../../src/host/http/client.ts';
import { Interrupted } from '../../../src/host/interrupts.ts';
import { createTestContext } from '../../setup/context.ts';
import { findFreePort } from '../../setup/mlflow.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const NO_WAIT = {
  MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0',
  MLFLOW_HTTP_REQUEST_BACKOFF_JITTER: '0',
  HOME: '/nonexistent',
};
const GET: HttpRequest = { method: 'GET', path: '/api' };
const POST: HttpRequest = { method: 'POST', path: '/api', json: { a: 1 } };

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function serve(handler: Handler): Promise<string> {
  return `http://${await listen(createServer({ keepAliveTimeout: 1 }, handler))}`;
}

async function open(url: string, env: Record<string, string | undefined> = {}) {
  const context = createTestContext({ env: { ...NO_WAIT, ...env } });
  const client = await createHttpClient(url, context, { audience: 'tracking-server' });
  return { context, client };
}

/** Answers the first requests with `statuses`, all others with `{"n": how many there were}`. */
function failFirst(...statuses: readonly number[]): Handler & { count: number } {
  const handler: Handler & { count: number } = Object.assign(
    (_request: IncomingMessage, response: ServerResponse) => {
      const status = statuses[handler.count] ?? 200;
      handler.count += 1;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(status === 200 ? { n: handler.count } : {}));
    },
    { count: 0 },
  );
  return handler;
}

describe('credentials', () => {
  const echo: Handler = ({ headers }, response) =>
    response.end(JSON.stringify({ authorization: headers.authorization ?? null }));
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

  test.each([
    ['none', {}, null],
    [
      'user and password',
      { MLFLOW_TRACKING_USERNAME: 'ann', MLFLOW_TRACKING_PASSWORD: 'p#;%' },
      basic('ann:p#;%'),
    ],
    ['token', { MLFLOW_TRACKING_TOKEN: 'abcdef' }, 'Bearer abcdef'],
    [
      'user and password before the token',
      {
        MLFLOW_TRACKING_USERNAME: 'ann',
        MLFLOW_TRACKING_PASSWORD: 'pw',
        MLFLOW_TRACKING_TOKEN: 't',
      },
      basic('ann:pw'),
    ],
  ])('%s', async (_name, env, authorization) => {
    const { client } = await open(await serve(echo), env);
    expect(await client.callJson(GET)).toEqual({ authorization });
  });

  test('the URL comes before the environment and is not shown', async () => {
    const url = (await serve(echo)).replace('://', '://us%40er:s3cr%2Fet@');
    const { client } = await open(url, { MLFLOW_TRACKING_TOKEN: 'abcdef' });
    expect(await client.callJson(GET)).toEqual({ authorization: basic('us@er:s3cr/et') });
    expect(client.address).not.toContain('s3cr');
  });

  test('~/.mlflow/credentials is read as Python reads it', async () => {
    const home = await mkdtemp(join(tmpdir(), 'mlts-home-'));
    await mkdir(join(home, '.mlflow'));
    await writeFile(
      join(home, '.mlflow', 'credentials'),
      '# mine\n[other]\nmlflow_tracking_username = no\n[mlflow]\nMLFLOW_TRACKING_USERNAME: bob\nmlflow_tracking_password = a=b;c#d\n',
    );
    const { client } = await open(await serve(echo), { HOME: home });
    expect(await client.callJson(GET)).toEqual({ authorization: basic('bob:a=b;c#d') });
  });

  test('anyone else gets none', async () => {
    const context = createTestContext({ env: { ...NO_WAIT, MLFLOW_TRACKING_TOKEN: 'abcdef' } });
    const client = await createHttpClient(await serve(echo), context, { audience: 'anyone' });
    expect(await client.callJson(GET)).toEqual({ authorization: null });
  });

  test('they do not follow a redirect to another host', async () => {
    const other = await serve(echo);
    const first = await serve((_request, response) => {
      response.writeHead(302, { location: `${other}/x` }).end();
    });
    const { client } = await open(first, { MLFLOW_TRACKING_TOKEN: 'abcdef' });
    expect(await client.callJson(GET)).toEqual({ authorization: null });
  });
});

describe('retries', () => {
  test.each([
    ['GET', GET, [500, 502, 429], 4],
    ['POST that may be sent twice', { ...POST, isIdempotent: true }, [500, 504], 3],
    ['POST that the server did not act on', POST, [503, 429], 3],
  ])('%s', async (_name, request, statuses, n) => {
    const { client, context } = await open(await serve(failFirst(...statuses)));
    expect(await client.callJson(request)).toEqual({ n });
    expect(context.said.stderr).toContain(
      `retry 1 of 7: the server answered ${statuses[0]} (${request.method} /api)\n`,
    );
    expect(context.said.stdout).toBe('');
  });

  test('a POST that may have been acted on is not sent twice', async () => {
    const handler = failFirst(500);
    const { client } = await open(await serve(handler));
    await expect(client.callJson(POST)).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
    expect(handler.count).toBe(1);
  });

  test('an answer that breaks off is asked for again, unless that could do it twice', async () => {
    let count = 0;
    const handler: Handler = (_request, response) => {
      count += 1;
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '20' });
      if (count > 1) return response.end('{"n": 1234567890123}');
      response.write('{"n":');
      setTimeout(() => response.destroy(), 20);
    };
    const { client, context } = await open(await serve(handler));
    await expect(client.callJson(GET)).resolves.toHaveProperty('n');
    expect(context.said.stderr).toMatch(/^retry 1 of 7: the connection broke/);
    count = 0;
    await expect(client.callJson(POST)).rejects.toMatchObject({
      hint: 'it may have been done all the same: look before you run it again',
    });
    expect(count).toBe(1);
  });

  test('MLTS_RETRY_DEADLINE_SECONDS ends the retries, whatever the server asks for', async () => {
    const handler: Handler = (_request, response) => {
      response.writeHead(429, { 'retry-after': '30' });
      response.end();
    };
    const { client, context } = await open(await serve(handler), {
      MLTS_RETRY_DEADLINE_SECONDS: '20',
    });
    await expect(client.callJson(GET)).rejects.toMatchObject({
      code: 'TEMPORARILY_UNAVAILABLE',
      hint: 'the server asks for 30 s of patience: run it again then, or raise MLTS_RETRY_DEADLINE_SECONDS (20)',
    });
    expect(context.said.stderr).toBe('');
  });

  test('MLFLOW_HTTP_REQUEST_MAX_RETRIES is the number of retries', async () => {
    const handler = failFirst(...Array<number>(20).fill(500));
    const { client } = await open(await serve(handler), { MLFLOW_HTTP_REQUEST_MAX_RETRIES: '2' });
    await expect(client.callJson(GET)).rejects.toThrow(/GET http:.*\/api answered 500/);
    expect(handler.count).toBe(3);
  });

  test('a body is made anew for each attempt', async () => {
    const bodies: string[] = [];
    const url = await serve(async (request, response) => {
      bodies.push(await text(request));
      response.writeHead(bodies.length === 1 ? 502 : 200).end('{}');
    });
    const { client } = await open(url);
    await client.callJson({
      method: 'PUT',
      path: '/f',
      createBody: () => Readable.from(['ab', 'c']),
    });
    expect(bodies).toEqual(['abc', 'abc']);
  });

  test('an interrupt ends the wait, and the read in flight', async () => {
    for (const handler of [failFirst(...Array<number>(20).fill(503)), () => {}]) {
      const { client, context } = await open(await serve(handler), {
        MLFLOW_HTTP_REQUEST_BACKOFF_JITTER: '100',
      });
      const call = client.callJson(GET);
      setTimeout(() => context.interrupt('SIGTERM'), 50);
      await expect(call).rejects.toBeInstanceOf(Interrupted);
    }
  });

  test('a long wait is told', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(503, { 'retry-after': '9' }).end();
    });
    const { client, context } = await open(url);
    const call = client.callJson(GET);
    setTimeout(() => context.interrupt(), 200);
    await expect(call).rejects.toBeInstanceOf(Interrupted);
    expect(context.said.stderr).toBe('retry 1 of 7 in 9 s: the server answered 503 (GET /api)\n');
  });

  test('what is sent after an interrupt arrives, and so does a write in flight', async () => {
    const url = await serve((_request, response) => {
      setTimeout(() => response.end('{"done": true}'), 100);
    });
    const { client, context } = await open(url);
    const inFlight = client.callJson(POST);
    setTimeout(() => context.interrupt(), 30);
    expect(await inFlight).toEqual({ done: true });
    expect(await client.callJson(POST)).toEqual({ done: true });
  });
});

describe('answers', () => {
  const json = (code: string, message: string) => JSON.stringify({ error_code: code, message });

  test.each([
    [404, json('RESOURCE_DOES_NOT_EXIST', 'No Run'), 'RESOURCE_DOES_NOT_EXIST', /^No Run$/],
    [400, json('RESOURCE_ALREADY_EXISTS', 'there'), 'RESOURCE_ALREADY_EXISTS', /^there$/],
    [400, json('INVALID_PARAMETER_VALUE', 'bad'), 'INVALID_PARAMETER_VALUE', /^bad$/],
    [403, json('PERMISSION_DENIED', 'no'), 'PERMISSION_DENIED', /^no$/],
    [403, 'Permission denied', 'PERMISSION_DENIED', /answered 403: Permission denied$/],
    [401, 'You are not authenticated', 'UNAUTHENTICATED', /answered 401: You are not/],
    [
      404,
      '<html><style>p{}</style><p>Not\n found</p>',
      'RESOURCE_DOES_NOT_EXIST',
      /404: Not found$/,
    ],
    [308, '', 'INVALID_PARAMETER_VALUE', /answered 308, a redirect$/],
    [200, '<html>Log in</html>', 'INTERNAL_ERROR', /answered with a web page: Log in$/],
    // Whatever its length, it is not searched for markup to its end.
    [200, '<'.repeat(2_000_000), 'INTERNAL_ERROR', /answered with a web page: <{200}\.\.\.$/],
    [200, '{"experiment": {"na', 'INTERNAL_ERROR', /not JSON: {"experiment": {"na$/],
    [200, '[1]', 'INTERNAL_ERROR', /not JSON/],
  ])('%i %s', async (status, body, code, message) => {
    const url = await serve((_request, response) => response.writeHead(status).end(body));
    const failure = (await open(url)).client.callJson(POST);
    await expect(failure).rejects.toMatchObject({ code });
    await expect(failure).rejects.toThrow(message);
  });

  test('an empty body is an empty object', async () => {
    const { client } = await open(await serve((_request, response) => response.end()));
    expect(await client.callJson(POST)).toEqual({});
  });

  test('an answer that is cut off says so', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"a":');
      setTimeout(() => response.destroy(), 20);
    });
    await expect((await open(url)).client.callJson(POST)).rejects.toThrow(/the connection broke/);
  });

  test('nobody there', async () => {
    const { client, context } = await open(`http://127.0.0.1:${await findFreePort()}`, {
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
    });
    const failure = client.callJson(POST);
    await expect(failure).rejects.toMatchObject({
      code: 'TEMPORARILY_UNAVAILABLE',
      hint: expect.stringContaining('check the address'),
    });
    await expect(failure).rejects.toThrow(/connection refused/);
    expect(context.said.stderr).toBe('retry 1 of 1: connection refused (POST /api)\n');
  });

  test('a server that says nothing is given up after MLFLOW_HTTP_REQUEST_TIMEOUT', async () => {
    const { client } = await open(await serve(() => {}), { MLFLOW_HTTP_REQUEST_TIMEOUT: '1' });
    await expect(client.callJson(POST)).rejects.toMatchObject({
      message: expect.stringContaining('no answer in time'),
      hint: expect.stringContaining('MLFLOW_HTTP_REQUEST_TIMEOUT'),
    });
  });
});

describe('settings', () => {
  test.each([
    [{ MLFLOW_HTTP_REQUEST_TIMEOUT: 'soon' }, /MLFLOW_HTTP_REQUEST_TIMEOUT must be a number/],
    [{ MLFLOW_HTTP_REQUEST_MAX_RETRIES: '11' }, /from 0 to 10, got `11`/],
    [{ MLFLOW_TRACKING_SERVER_CERT_PATH: '/nowhere.pem' }, /certificate `\/nowhere.pem`: ENOENT/],
    [{ MLFLOW_TRACKING_SERVER_CERT_PATH: 'x', MLFLOW_TRACKING_INSECURE_TLS: '1' }, /both set/],
    [{ MLFLOW_TRACKING_AWS_SIGV4: 'true' }, /MLFLOW_TRACKING_AWS_SIGV4 is set/],
  ])('%o', async (env, message) => {
    await expect(open('http://127.0.0.1:1', env)).rejects.toThrow(message);
  });

  test('a proxy is used, and NO_PROXY goes past it', async () => {
    const proxied: string[] = [];
    const proxy = await serve((request, response) => {
      proxied.push(`${request.method} ${request.url}`);
      response.end('{"via": "proxy"}');
    });
    const direct = await serve((_request, response) => response.end('{"via": "none"}'));
    const one = await open('http://models.invalid', { HTTP_PROXY: proxy });
    expect(await one.client.callJson(GET)).toEqual({ via: 'proxy' });
    expect(proxied).toEqual(['GET http://models.invalid/api']);
    const two = await open(direct, { http_proxy: proxy, NO_PROXY: 'other.invalid,127.0.0.1' });
    expect(await two.client.callJson(GET)).toEqual({ via: 'none' });
  });
});

describe('TLS', () => {
  let certificate = '';
  let pem = '';
  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mlts-tls-'));
    certificate = join(directory, 'pair.pem');
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'],
      ...[
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        certificate,
        '-out',
        `${certificate}.crt`,
      ],
    ]);
    pem = (await readFile(certificate, 'utf8')) + (await readFile(`${certificate}.crt`, 'utf8'));
    await writeFile(certificate, pem);
  });

  const serveTls = async (demandsClient = false): Promise<string> => {
    const options = {
      key: pem,
      cert: pem,
      ca: pem,
      requestCert: true,
      rejectUnauthorized: demandsClient,
    };
    const server = createTlsServer(options, (_request, response) => response.end('{"ok": true}'));
    return `https://${await listen(server)}`;
  };

  test('an unknown certificate is refused at once, with the mend', async () => {
    const { client, context } = await open(await serveTls());
    await expect(client.callJson(GET)).rejects.toMatchObject({
      message: expect.stringMatching(/TLS: .*self.signed/),
      hint: expect.stringContaining('MLFLOW_TRACKING_SERVER_CERT_PATH'),
    });
    expect(context.said.stderr).toBe('');
  });

  test('the insecure switch takes it; so does naming the CA; so does REQUESTS_CA_BUNDLE', async () => {
    const url = await serveTls();
    for (const env of [
      { MLFLOW_TRACKING_INSECURE_TLS: 'true' },
      { MLFLOW_TRACKING_SERVER_CERT_PATH: certificate },
      { REQUESTS_CA_BUNDLE: certificate },
    ]) {
      expect(await (await open(url, env)).client.callJson(GET)).toEqual({ ok: true });
    }
  });

  test('what is said of the tracking server holds for nobody else', async () => {
    const url = await serveTls();
    const openAsAnyone = async (env: Record<string, string>) => {
      const context = createTestContext({ env: { ...NO_WAIT, ...env } });
      return createHttpClient(url, context, { audience: 'anyone' });
    };
    for (const env of [
      { MLFLOW_TRACKING_INSECURE_TLS: 'true' },
      { MLFLOW_TRACKING_SERVER_CERT_PATH: certificate },
    ]) {
      await expect((await openAsAnyone(env)).callJson(GET)).rejects.toThrow(/self.signed/);
    }
    const trusting = await openAsAnyone({ REQUESTS_CA_BUNDLE: certificate });
    expect(await trusting.callJson(GET)).toEqual({ ok: true });
  });

  test('a client certificate is shown, also through a tunnelling proxy', async () => {
    const url = await serveTls(true);
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      const [host, port] = String(request.url).split(':');
      const upstream = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
    });
    const env = {
      MLFLOW_TRACKING_SERVER_CERT_PATH: certificate,
      MLFLOW_TRACKING_CLIENT_CERT_PATH: certificate,
    };
    expect(await (await open(url, env)).client.callJson(GET)).toEqual({ ok: true });
    const proxied = { ...env, HTTPS_PROXY: `http://${await listen(proxy)}` };
    expect(await (await open(url, proxied)).client.callJson(GET)).toEqual({ ok: true });
    const { MLFLOW_TRACKING_CLIENT_CERT_PATH: _, ...without } = env;
    await expect((await open(url, without)).client.callJson(POST)).rejects.toMatchObject({
      code: 'TEMPORARILY_UNAVAILABLE',
    });
  });
});
