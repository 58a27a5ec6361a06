import {
  createServer,
  request as forward,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';

/** What happens to the next large bodies, one each; then all pass. */
export type Fault =
  | 'cut the answer'
  | 'damage the answer'
  | 'cut the request'
  | 'damage the request'
  | '503';

export interface FaultyProxy {
  readonly uri: string;
  /** Waiting faults. */
  readonly faults: Fault[];
  /** Requests with a large body, or for one, that have come since. */
  readonly seen: string[];
  stop(): Promise<void>;
}

/** Bodies from this size on are large. */
const LARGE_BYTES = 1_000_000;

/** Stands before a real store, and does to its answers and requests what networks do. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const faults: Fault[] = [];
  const seen: string[] = [];
  const takeFault = (kind: 'answer' | 'request' | '503', headers: IncomingMessage['headers']) => {
    // What a client streams has no length.
    const isStreamed = kind === 'request' && headers['transfer-encoding'] !== undefined;
    const isLarge = isStreamed || Number(headers['content-length'] ?? 0) >= LARGE_BYTES;
    if (!isLarge && kind !== '503') return undefined;
    return faults[0]?.endsWith(kind) ? faults.shift() : undefined;
  };
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    seen.push(`${method} ${url}`);
    if (takeFault('503', headers)) return void response.writeHead(503).end();
    const fault = takeFault('request', headers);
    const upstream = forward(`${target}${url}`, { method, headers }, (answer) =>
      passAnswer(answer, response, takeFault('answer', answer.headers)),
    );
    upstream.once('error', () => response.destroy());
    request.once('error', () => upstream.destroy());
    if (fault === undefined) request.pipe(upstream);
    else request.pipe(spoil(fault, () => request.destroy())).pipe(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    seen,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function passAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): void {
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  if (fault === undefined) answer.pipe(response);
  else answer.pipe(spoil(fault, () => response.destroy())).pipe(response);
}

/** Passes the first half a megabyte; then cuts the connection, or changes one byte. */
function spoil(fault: Fault, cut: () => void): Transform {
  let passed = 0;
  let isDone = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      if (isDone || passed < LARGE_BYTES / 2) return done(null, chunk);
      isDone = true;
      // What has passed is on its way: it has to arrive first.
      if (fault.startsWith('cut')) return void setTimeout(cut, 50);
      const damaged = Buffer.from(chunk);
      damaged[0] = (damaged[0] ?? 0) ^ 1;
      done(null, damaged);
    },
  });
}
