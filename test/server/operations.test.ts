import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { bin } from '../cli/rig.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';

let server: MltsServer;
afterEach(() => server?.stop());

const ask = (path: string, init: RequestInit = {}) => fetch(`${server.uri}${path}`, init);
describe('mlts server', () => {
  test('says what it is, and answers unknown addresses as MLflow clients expect', async () => {
    server = await startMltsServer();
    expect(await (await ask('/health')).text()).toBe('OK');
    expect(await (await ask('/version')).text()).toBe('3.17.2');
    expect(await (await ask('/')).text()).toContain('MLFLOW_TRACKING_URI');
    const unknown = await ask('/api/3.0/mlflow/traces');
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error_code: 'ENDPOINT_NOT_FOUND' });
    const wrong = await ask('/api/2.0/mlflow/runs/create');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });

  test('SIGTERM: a request under way is answered, and the process ends with 0', async () => {
    server = await startMltsServer();
    const { port } = new URL(server.uri);
    const body = JSON.stringify({ experiment_id: '0', run_name: 'last' });
    const half = connect(Number(port), '127.0.0.1');
    half.write(
      `POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    );
    await ask('/health');
    server.process.kill('SIGTERM');
    while (!server.said.stderr.includes('stopping'))
      await once(server.process.stderr ?? half, 'data');
    half.write(body.slice(5));
    const [answer] = (await once(half, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 OK/);
    half.destroy();
    if (server.process.exitCode === null) await once(server.process, 'exit');
    expect(server.process.exitCode).toBe(0);
  });

  test('a prefix, an access log with request ids, a limit for bodies', async () => {
    server = await startMltsServer([
      '--static-prefix',
      '/mlflow',
      '--access-log',
      '--max-body',
      '500',
    ]);
    expect((await fetch(new URL('/health', server.uri))).status).toBe(404);
    const healthy = await ask('/health', { headers: { 'x-request-id': 'mine-1' } });
    expect(healthy.headers.get('x-request-id')).toBe('mine-1');
    const large = await ask('/api/2.0/mlflow/runs/create', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ experiment_id: '0', user_id: 'x'.repeat(600) }),
    });
    expect(large.status).toBe(413);
    expect(server.said.stdout).toContain('"requestId":"mine-1"');
  });

  test('/metrics has the names that MLflow gives, and leaves probes out', async () => {
    server = await startMltsServer(['--expose-prometheus', 'unused', '--static-prefix', '/ml']);
    for (const path of ['/health', '/version', '/', '/api/2.0/mlflow/experiments/get']) {
      await ask(path);
    }
    const root = await fetch(new URL('/metrics', server.uri));
    const told = await root.text();
    const lines = told.split('\n').filter((line) => /^mlflow_\w+_(total|count)\{/.test(line));
    expect(lines.sort()).toEqual([
      'mlflow_http_request_duration_seconds_count{mlflow_version="3.17.2",method="GET",status="200"} 1',
      'mlflow_http_request_duration_seconds_count{mlflow_version="3.17.2",method="GET",status="400"} 1',
      'mlflow_http_request_total{method="GET",status="200"} 1',
      'mlflow_http_request_total{method="GET",status="400"} 1',
    ]);
    expect(told).toMatch(/^mlflow_http_request_duration_seconds_bucket\{le="0.075",/m);
  });

  test('foreign names and pages are refused, known ones answered', async () => {
    server = await startMltsServer(['--cors-allowed-origins', 'https://app.example']);
    expect(await statusFor({ host: 'evil.example' })).toBe(403);
    expect(await statusFor({ host: 'localhost:1' })).toBe(200);
    const from = (origin: string) =>
      ask('/api/2.0/mlflow/runs/search', {
        method: 'POST',
        headers: { origin, 'content-type': 'application/json' },
        body: '{}',
      });
    expect((await from('https://evil.example')).status).toBe(403);
    const known = await from('https://app.example');
    expect([known.status, known.headers.get('access-control-allow-origin')]).toEqual([
      200,
      'https://app.example',
    ]);
    expect(known.headers.get('x-frame-options')).toBe('SAMEORIGIN');
    // Browsers name an origin; what a proxy has emptied is none.
    expect((await from('')).status).toBe(200);
  });

  test('a variable that is set to nothing is none', async () => {
    server = await startMltsServer([], {
      MLFLOW_HOST: '',
      MLFLOW_BACKEND_STORE_URI: '',
      MLFLOW_ARTIFACTS_DESTINATION: '',
      MLFLOW_ARTIFACTS_ONLY: '',
      MLFLOW_SERVE_ARTIFACTS: '',
    });
    expect(server.said.stderr).toMatch(/^serving sqlite:.*mlflow\.db at http:\/\/127\.0\.0\.1:/m);
    expect((await ask('/api/2.0/mlflow-artifacts/artifacts')).status).toBe(200);
  });

  test.each([
    ['MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE', 'false', [403, 200, 200]],
    ['MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE', '1', [200, 200, 200]],
    ['MLFLOW_ARTIFACTS_ONLY', 'True', [403, 503, 200]],
    ['MLFLOW_ARTIFACTS_ONLY', 'no', [403, 200, 200]],
    ['MLFLOW_SERVE_ARTIFACTS', 'f', [403, 200, 503]],
    ['MLFLOW_SERVE_ARTIFACTS', 'yes', [403, 200, 200]],
  ])('%s=%s is heeded', async (name, value, statuses) => {
    server = await startMltsServer([], { [name]: value });
    const found = await ask('/api/2.0/mlflow/experiments/get?experiment_id=0');
    const listed = await ask('/api/2.0/mlflow-artifacts/artifacts');
    const foreign = await statusFor({ host: 'evil.example' });
    // Where foreign names are answered, they are answered what everybody is.
    expect([foreign, found.status, listed.status]).toEqual(statuses);
  });

  test('a flag comes before its variable, which must be yes or no', async () => {
    server = await startMltsServer(['--serve-artifacts'], { MLFLOW_SERVE_ARTIFACTS: 'false' });
    expect((await ask('/api/2.0/mlflow-artifacts/artifacts')).status).toBe(200);
    const env = { MLFLOW_ARTIFACTS_ONLY: 'perhaps' };
    expect(await execa(bin, ['server'], { env, reject: false })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /^error: MLFLOW_ARTIFACTS_ONLY must be yes or no, got `perhaps`/,
      ),
    });
  });

  test('--artifacts-only takes no store, for it would open none', async () => {
    const args = ['server', '--artifacts-only', '--backend-store-uri', 'sqlite:///runs.db'];
    expect(await execa(bin, args, { reject: false })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^error: --artifacts-only .* `sqlite:\/\/\/runs\.db`/),
    });
    server = await startMltsServer(['--artifacts-only', '--backend-store-uri', './mlruns']);
  });

  test.each([
    ['https://app.example', null, 'Origin'],
    ['*', '*', null],
  ])(
    'what a cache keeps of an answer without an origin is good for pages of %s',
    async (origins, allowed, vary) => {
      server = await startMltsServer(['--cors-allowed-origins', origins]);
      const { headers } = await ask('/health');
      expect([headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([
        allowed,
        vary,
      ]);
    },
  );

  test.each([
    ['--gunicorn-opts', '--workers 2'],
    ['--enable-workspaces', undefined],
    ['--backend-store-uri', 'http://localhost:1'],
  ])('%s is told to have no meaning', async (option, value) => {
    const args = value === undefined ? [option] : [`${option}=${value}`];
    const { exitCode, stderr } = await execa(bin, ['server', ...args], { reject: false });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(option)]);
  });
});

/** `fetch` sets the Host header itself. */
function statusFor(headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asking = request(`${server.uri}/api/2.0/mlflow/experiments/get?experiment_id=0`, {
      headers,
    });
    asking.once('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asking.once('error', reject).end();
  });
}
