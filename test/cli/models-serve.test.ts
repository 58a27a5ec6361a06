import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { invoke } from '../serving/scoring-server.ts';
import { ensureMlflow, findFreePort, waitUntilHealthy } from '../setup/mlflow.ts';
import { ensureModels } from '../setup/models.ts';
import { createRig, type Rig, type Started } from './rig.ts';

let rig: Rig;
let models: string;
let env: Record<string, string>;

beforeAll(async () => {
  rig = createRig();
  // Copies of our own: workers of other tests are not counted.
  models = rig.path('models');
  await cp(await ensureModels(), models, { recursive: true });
  const { bin } = await ensureMlflow();
  env = { PATH: `${bin}:${process.env.PATH}` };
});
afterAll(() => rig[Symbol.asyncDispose]());

interface Serving extends Started {
  readonly url: string;
}

async function serve(model: string, ...flags: readonly string[]): Promise<Serving> {
  const port = await findFreePort();
  const isSecure = flags.includes('--tls-cert');
  const args = ['models', 'serve', '-m', model, '--no-conda', '-p', String(port), ...flags];
  const started = rig.start(args, { env });
  const url = `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}`;
  if (!isSecure) await Promise.race([waitUntilHealthy(`${url}/ping`), started.ended]);
  return { ...started, url };
}

async function stop({ ended, kill }: Serving, signal: NodeJS.Signals = 'SIGTERM') {
  kill(signal);
  return ended;
}

const order = (text: string) =>
  JSON.stringify({ dataframe_split: { columns: ['order'], data: [[text]] } });
/** `pgrep` prints 0 where it finds none. */
const countWorkers = async (): Promise<number> =>
  Number((await execa('pgrep', ['-fc', `worker.py ${models}`], { reject: false })).stdout);

describe('mlts models serve', () => {
  test('serves the version that is in a stage', async () => {
    const source = join(models, 'regression');
    const register = ['models', 'register', source, '--name', 'Prices'];
    expect(await rig.mlts(register)).toMatchObject({ stdout: '1\n', exitCode: 0 });
    const promote = ['models', 'promote', 'Prices', '--version', '1', '--to', 'Production'];
    expect((await rig.mlts(promote)).exitCode).toBe(0);
    const serving = await serve('models:/Prices/Production', '-w', '1');
    const body = JSON.stringify({ dataframe_records: [{ a: 1, b: 7, c: 0 }] });
    const answer = await invoke(serving.url, body);
    expect(answer.status).toBe(200);
    expect((JSON.parse(answer.body) as { predictions: number[] }).predictions[0]).toBeCloseTo(2);
    const metrics = await (await fetch(`${serving.url}/metrics`)).text();
    expect(metrics).toContain('mlts_requests_total{status="200"} 1');
    expect(metrics).toMatch(/mlts_model_info\{uri="models:\/Prices\/Production"/);
    const ended = await stop(serving);
    expect(ended.exitCode).toBe(0);
    expect(ended.stderr).toMatch(/serving at http:\/\/127\.0\.0\.1:\d+ \(MLflow 3\./);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: what is accepted is answered, and no process is left',
    async (signal) => {
      const serving = await serve(join(models, 'custom'), '-w', '2');
      const asked = Array.from({ length: 12 }, () => invoke(serving.url, order('sleep 0.2')));
      await sleep(300);
      const ended = stop(serving, signal);
      const answers = await Promise.all(asked);
      expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
      expect((await ended).exitCode).toBe(0);
      await expect(fetch(`${serving.url}/ping`)).rejects.toThrow();
      expect(await countWorkers()).toBe(0);
    },
  );

  test('SIGTERM under load: each request that gets through is answered, also on kept connections', async () => {
    const serving = await serve(join(models, 'custom'), '-w', '2');
    const statuses = new Set<number>();
    const askUntilRefused = async (): Promise<unknown> => {
      for (;;) {
        try {
          statuses.add((await invoke(serving.url, order('sleep 0.01'))).status);
        } catch (error) {
          return ((error as Error).cause as NodeJS.ErrnoException).code;
        }
      }
    };
    const clients = Array.from({ length: 8 }, askUntilRefused);
    await sleep(500);
    expect((await stop(serving)).exitCode).toBe(0);
    expect(await Promise.all(clients)).toEqual(Array(8).fill('ECONNREFUSED'));
    expect([...statuses]).toEqual([200]);
  });

  test('the workers end with a server that is killed', async () => {
    const serving = await serve(join(models, 'custom'), '-w', '2');
    await stop(serving, 'SIGKILL');
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(100)) {
      if ((await countWorkers()) === 0) break;
    }
    expect(await countWorkers()).toBe(0);
  });

  test('an access log in JSON lines, with the request id that came along', async () => {
    const serving = await serve(join(models, 'custom'), '-w', '1', '--access-log');
    const headers = { 'content-type': 'application/json', 'x-request-id': 'mine-1' };
    const init = { method: 'POST', body: order('hello'), headers };
    const response = await fetch(`${serving.url}/invocations`, init);
    expect(response.headers.get('x-request-id')).toBe('mine-1');
    const { stdout } = await stop(serving);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines.at(-1)).toMatchObject({
      requestId: 'mine-1',
      method: 'POST',
      path: '/invocations',
      status: 200,
      requestBytes: order('hello').length,
    });
  });

  test('what the model prints comes out where we print, and spoils no answer', async () => {
    const serving = await serve(join(models, 'custom'), '-w', '1');
    for (let count = 0; count < 3; count += 1) {
      const { status, body } = await invoke(serving.url, order('print'));
      expect({ status, body }).toMatchObject({
        status: 200,
        body: expect.stringContaining('print by'),
      });
    }
    const { stdout } = await stop(serving);
    expect(stdout.split('to descriptor 1')).toHaveLength(4);
    expect(stdout.split('the model prints')).toHaveLength(30_001);
  });

  test('a token is asked for, but not by probes; other origins read what they may', async () => {
    await rig.write({ token: 'secret-token\n' });
    const flags = ['--token-file', rig.path('token'), '--cors', 'https://app.example'];
    const serving = await serve(join(models, 'custom'), '-w', '1', ...flags);
    const ask = (headers: Record<string, string>) =>
      fetch(`${serving.url}/invocations`, {
        method: 'POST',
        body: order('hello'),
        headers: { 'content-type': 'application/json', ...headers },
      });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ authorization: 'Bearer wrong' })).status).toBe(401);
    const origin = 'https://app.example';
    const allowed = await ask({ authorization: 'Bearer secret-token', origin });
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(origin);
    const other = await ask({
      authorization: 'Bearer secret-token',
      origin: 'https://evil.example',
    });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    expect((await fetch(`${serving.url}/health`)).status).toBe(200);
    expect((await fetch(`${serving.url}/metrics`)).status).toBe(401);
    const { stderr, stdout } = await stop(serving);
    expect(stderr + stdout).not.toContain('secret-token');
  });

  test('TLS', async () => {
    const [key, cert] = [rig.path('key.pem'), rig.path('cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const files = ['-keyout', key, '-out', cert, '-days', '1', '-nodes'];
    await execa('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...files, ...subject]);
    const serving = await serve(
      join(models, 'custom'),
      '-w',
      '1',
      '--tls-cert',
      cert,
      '--tls-key',
      key,
    );
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(200)) {
      const asked = await execa('curl', ['-s', '--cacert', cert, `${serving.url}/version`], {
        reject: false,
      });
      if (asked.exitCode === 0) break;
    }
    const { stdout } = await execa('curl', ['-s', '--cacert', cert, `${serving.url}/version`]);
    expect(stdout).toMatch(/^3\./);
    await stop(serving);
  });
});

describe('what is wrong', () => {
  const fail = (args: readonly string[]) => rig.mlts(['models', 'serve', ...args], { env });

  test("a model that cannot be loaded shows Python's words, what is missing, and the mend", async () => {
    const ended = await fail(['-m', join(models, 'broken'), '--env-manager', 'local']);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toContain('Traceback (most recent call last)');
    expect(ended.stderr).toContain("No module named 'no_such_module_anywhere'");
    expect(ended.stderr).toContain('hint: its environment lacks `no_such_module_anywhere`');
    expect(await countWorkers()).toBe(0);
  });

  test('a port that is in use', async () => {
    const serving = await serve(join(models, 'custom'), '-w', '1');
    const port = new URL(serving.url).port;
    const ended = await fail(['-m', join(models, 'custom'), '--no-conda', '-w', '1', '-p', port]);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toContain(`error: 127.0.0.1:${port} is in use by another program`);
    await stop(serving);
    expect(await countWorkers()).toBe(0);
  });

  test.each([
    { args: [], exitCode: 2, says: /--model-uri/ },
    { args: ['-m', 'none'], exitCode: 1, says: /no such file or folder/ },
    { args: ['-m', '.', '--no-conda'], exitCode: 1, says: /is no model: it has no file MLmodel/ },
    { args: ['-m', 'x', '-p', '70000'], exitCode: 2, says: /from 0 to 65535/ },
    { args: ['-m', 'x', '-w', '0'], exitCode: 2, says: /from 1 to 512/ },
    { args: ['-m', 'x', '--tls-key', 'k'], exitCode: 2, says: /go together/ },
    { args: ['-m', 'models:/None/1'], exitCode: 1, says: /None/ },
    { args: ['-m', 'x', '--env-manager', 'docker'], exitCode: 2, says: /docker/ },
  ])('$args', async ({ args, exitCode, says }) => {
    const ended = await fail(args);
    expect(ended.exitCode).toBe(exitCode);
    expect(ended.stderr).toMatch(says);
    expect(ended.stderr.match(/^error: /gm)).toHaveLength(1);
  });
});
