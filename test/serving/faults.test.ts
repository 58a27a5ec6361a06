import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { invoke, serveTestModel, type TestedServer } from './scoring-server.ts';

/** Those with the same options are one: what ends a worker is over when the next test asks. */
const servers = new Map<string, Promise<TestedServer>>();
const serve: typeof serveTestModel = (name, options = {}) => {
  const key = `${name} ${JSON.stringify(options)}`;
  const server = servers.get(key) ?? serveTestModel(name, options);
  servers.set(key, server);
  return server;
};
afterAll(async () => {
  for (const server of servers.values()) await (await server).close();
});

const order = (...orders: readonly string[]) =>
  JSON.stringify({ dataframe_split: { columns: ['order'], data: orders.map((one) => [one]) } });
/** The model `picky` doubles it. */
const pick = (value: number) =>
  JSON.stringify({ dataframe_split: { columns: ['a'], data: [[value]] } });
const readPid = (body: string): number => Number(/by (\d+)/.exec(body)?.[1]);
const waitUntil = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(50)) {
    if (await holds()) return;
  }
  throw new Error('it never came true');
};
const get = async (url: string) => (await fetch(url)).status;

describe('a worker', () => {
  test('that is killed is replaced, and only the request that it was at fails', async () => {
    const { url } = await serve('custom', { size: 1 });
    const pid = readPid((await invoke(url, order('hello'))).body);
    const failing = invoke(url, order('sleep 20'));
    await sleep(200);
    const waiting = invoke(url, order('waits'));
    process.kill(pid, 'SIGKILL');
    const failed = await failing;
    expect(failed).toMatchObject({ status: 500, type: 'application/json' });
    expect(JSON.parse(failed.body)).toMatchObject({
      error_code: 'INTERNAL_ERROR',
      message: 'the Python process with the model was ended by SIGKILL',
    });
    const answered = await waiting;
    expect(answered.status).toBe(200);
    expect(readPid(answered.body)).not.toBe(pid);
  });

  test('that is killed again and again under load costs only the requests that it was at', async () => {
    const { url } = await serve('custom', { size: 2 });
    let isOver = false;
    let last = '';
    const failures: string[] = [];
    const ask = async (client: number): Promise<void> => {
      for (let count = 0; !isOver; count += 1) {
        const asked = `${client}.${count}`;
        const { status, body } = await invoke(url, order(asked));
        if (status === 200) {
          expect(body).toMatch(`"predictions": ["${asked} by `);
          last = body;
        } else {
          failures.push(body);
        }
      }
    };
    const clients = Array.from({ length: 16 }, (_, client) => ask(client));
    const killed = new Set<number>();
    await waitUntil(() => {
      const pid = readPid(last);
      if (isAlive(pid) && !killed.has(pid)) process.kill(pid, 'SIGKILL');
      if (pid > 0) killed.add(pid);
      return killed.size === 4;
    });
    isOver = true;
    await Promise.all(clients);
    expect(failures.length).toBeLessThanOrEqual(killed.size);
    for (const body of failures) expect(body).toContain('was ended by SIGKILL');
    expect((await invoke(url, order('after'))).status).toBe(200);
  });

  test('that is killed while it is at several requests at once costs none of them', async () => {
    const { url } = await serve('picky', { mostBatchRows: 500, batchWaitMs: 20 });
    const { stdout } = await execa('pgrep', ['-P', String(process.pid), '-f', 'worker.py .*picky']);
    process.kill(Number(stdout), 'SIGSTOP');
    const asked = Promise.all([1, 2, 3].map((value) => invoke(url, pick(value))));
    await sleep(200);
    process.kill(Number(stdout), 'SIGKILL');
    const answers = (await asked).map(({ body }) => body);
    expect(answers).toEqual([2, 4, 6].map((answer) => `{"predictions": [${answer}.0]}`));
  });

  test('whose model exits is replaced', async () => {
    const { url } = await serve('custom');
    expect((await invoke(url, order('exit'))).body).toContain('exited with 3');
    expect((await invoke(url, order('again'))).status).toBe(200);
  });

  test('that is killed while it is idle is replaced before anybody notices', async () => {
    const { url, pool } = await serve('custom');
    process.kill(readPid((await invoke(url, order('hello'))).body), 'SIGKILL');
    await waitUntil(() => !pool.isReady);
    expect(await get(`${url}/ping`)).toBe(404);
    expect(await get(`${url}/livez`)).toBe(200);
    expect(await get(`${url}/readyz`)).toBe(503);
    await waitUntil(async () => (await get(`${url}/readyz`)) === 200);
    expect((await invoke(url, order('again'))).status).toBe(200);
  });

  test('that takes too long is given up with 504, and ended', async () => {
    const { url } = await serve('custom', { timeoutMs: 1_500 });
    const pid = readPid((await invoke(url, order('hello'))).body);
    const answer = await invoke(url, order('sleep 60'));
    expect(answer).toEqual({
      status: 504,
      type: 'application/json',
      body: 'Request processing time exceeded limit',
    });
    await waitUntil(() => !isAlive(pid));
  });

  test('that holds too much is replaced, and no request is lost by it', async () => {
    const { url } = await serve('custom', { mostWorkerBytes: 600_000_000 });
    const pid = readPid((await invoke(url, order('hello'))).body);
    expect((await invoke(url, order('leak'))).status).toBe(200);
    await waitUntil(() => !isAlive(pid));
    const answer = await invoke(url, order('again'));
    expect(answer.status).toBe(200);
    expect(readPid(answer.body)).not.toBe(pid);
  });

  test('several answer side by side', async () => {
    const { url } = await serve('custom', { size: 2 });
    await waitUntil(async () => {
      const answers = await Promise.all([1, 2].map(() => invoke(url, order('sleep 0.3'))));
      return new Set(answers.map(({ body }) => readPid(body))).size === 2;
    });
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('too much', () => {
  test('more requests than may wait are answered 503, with when to try again', async () => {
    const { url } = await serve('custom', { mostWaiting: 2 });
    const asked = Array.from({ length: 8 }, () =>
      fetch(`${url}/invocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: order('sleep 0.5'),
      }),
    );
    const answers = await Promise.all(asked);
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 200, 503, 503, 503, 503, 503]);
    const refused = answers.find(({ status }) => status === 503);
    expect(refused?.headers.get('retry-after')).toBe('1');
    expect(await refused?.json()).toMatchObject({ error_code: 'TEMPORARILY_UNAVAILABLE' });
  });

  test('a body past the limit is answered 413, announced or not', async () => {
    const { url } = await serve('custom', { mostBodyBytes: 1_000 });
    const body = order('x'.repeat(2_000));
    expect((await invoke(url, body)).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(body));
        controller.close();
      },
    });
    const init = { method: 'POST', body: stream, duplex: 'half' } as const;
    expect((await fetch(`${url}/invocations`, init)).status).toBe(413);
    expect((await invoke(url, order('small'))).status).toBe(200);
  });

  test('a hundred slow clients do not keep a quick one waiting', async () => {
    const { url } = await serve('custom');
    const { hostname, port } = new URL(url);
    const slow: Socket[] = Array.from({ length: 100 }, () => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      socket.write('POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"data');
      return socket;
    });
    await sleep(200);
    expect((await invoke(url, order('quick'))).status).toBe(200);
    for (const socket of slow) socket.destroy();
    expect((await invoke(url, order('quick'))).status).toBe(200);
  });

  test('who has gone is not asked for', async () => {
    const { url, pool } = await serve('custom');
    const busy = invoke(url, order('sleep 0.7'));
    await sleep(100);
    const leaving = new AbortController();
    const left = fetch(`${url}/invocations`, {
      method: 'POST',
      body: order('exit'),
      headers: { 'content-type': 'application/json' },
      signal: leaving.signal,
    }).catch(() => 'gone');
    await waitUntil(() => pool.waiting === 1);
    leaving.abort();
    expect(await left).toBe('gone');
    expect((await busy).status).toBe(200);
    expect(readPid((await invoke(url, order('after'))).body)).toBe(readPid((await busy).body));
  });
});

describe('requests that are joined', () => {
  const COLUMNS = ['a', 'b', 'c'];
  const rows = (...data: readonly (readonly unknown[])[]) =>
    JSON.stringify({ dataframe_split: { columns: COLUMNS, data } });

  test('get the answers that they get alone, however many rows each has', async () => {
    const alone = await serve('regression');
    const joined = await serve('regression', { mostBatchRows: 500, batchWaitMs: 20 });
    const bodies = Array.from({ length: 60 }, (_, index) =>
      rows(...Array.from({ length: 1 + (index % 4) }, (_, row) => [index, row, index / 7])),
    );
    const expected = [];
    for (const body of bodies) expected.push(await invoke(alone.url, body));
    const got = await Promise.all(bodies.map((body) => invoke(joined.url, body)));
    const round = ({ status, body }: { status: number; body: string }) => ({
      status,
      // The last bit may depend on how many rows are multiplied at once.
      predictions: (JSON.parse(body) as { predictions: number[] }).predictions.map((value) =>
        value.toPrecision(12),
      ),
    });
    expect(got.map(round)).toEqual(expected.map(round));
  });

  test('one that cannot be read does not spoil the others', async () => {
    const { url } = await serve('regression', { mostBatchRows: 500, batchWaitMs: 20 });
    const answers = await Promise.all([
      invoke(url, rows([1, 2, 3])),
      invoke(url, rows(['x', 2, 3])),
      invoke(url, rows([1, 2, 3])),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200]);
  });

  test('one that fails in the model does not spoil the others', async () => {
    const { url } = await serve('picky', { mostBatchRows: 500, batchWaitMs: 20 });
    const answers = await Promise.all([1, -1, 2].map((value) => invoke(url, pick(value))));
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200]);
    expect(answers[2]?.body).toBe('{"predictions": [4.0]}');
  });

  test('what is no number in JSON stands in the one answer that it belongs to', async () => {
    const { url } = await serve('picky', { mostBatchRows: 500, batchWaitMs: 20 });
    const answers = await Promise.all([1, 1e308].map((value) => invoke(url, pick(value))));
    expect(answers.map(({ body }) => body)).toEqual([
      '{"predictions": [2.0]}',
      '{"predictions": [Infinity]}',
    ]);
  });
});

test('a strict server refuses what would be cast in silence, and says which cell', async () => {
  const { url } = await serve('mixed', { isStrict: true });
  const names = ['boolean', 'integer', 'long', 'float', 'double', 'string'].map(
    (one) => `a ${one}`,
  );
  const ask = (...row: readonly unknown[]) =>
    invoke(url, JSON.stringify({ dataframe_split: { columns: names, data: [row] } }));
  expect((await ask(true, 1, 2, 0.5, 0.1, 'text')).status).toBe(200);
  const lossy = JSON.stringify({ dataframe_split: { columns: ['a integer'], data: [[1.5]] } });
  const whole = lossy
    .replace('["a integer"]', JSON.stringify(names))
    .replace('[1.5]', '[true,1.5,2,0.5,0.1,"x"]');
  const named = await invoke(url, whole, 'application/json; charset=utf-8');
  expect(named.body).toContain('1.5 is no integer');
  for (const [row, says] of [
    [[true, 1.5, 2, 0.5, 0.1, 'x'], 'row 0, column `a integer`: 1.5 is no integer'],
    [[true, 2_147_483_648, 2, 0.5, 0.1, 'x'], 'column `a integer`: 2147483648 is no integer'],
    [[true, 1, 2.5, 0.5, 0.1, 'x'], 'column `a long`: 2.5 is no long'],
    [[true, 1, 2, 1e39, 0.1, 'x'], 'column `a float`: 1e+39 is no float'],
    [[true, 1, 2, 0.5, '0.1', 'x'], 'column `a double`: "0.1" is no double'],
    [[1, 1, 2, 0.5, 0.1, 'x'], 'column `a boolean`: 1 is no boolean'],
    [[true, 1, 2, 0.5, 0.1, 3], 'column `a string`: 3 is no string'],
  ] as const) {
    const { status, body } = await ask(...row);
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' });
    expect((JSON.parse(body) as { message: string }).message).toContain(says);
  }
});

test('thousands of garbage bodies: never a crash, never a 500', async () => {
  const { url } = await serve('regression', { size: 1 });
  const bytes = (seed: number) =>
    Uint8Array.from({ length: (seed * 37) % 200 }, (_, index) => (seed * 31 + index * 17) % 256);
  const whole = JSON.stringify({ dataframe_split: { columns: ['a'], data: [[1]] } });
  for (let start = 0; start < 2_000; start += 50) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const seed = start + index;
        return invoke(url, seed % 2 === 0 ? bytes(seed) : whole.slice(0, seed % whole.length));
      }),
    );
    for (const { status } of answers) expect(status).toBe(400);
  }
});
