import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { installMissing } from '../test/setup/debian.ts';

export interface Load {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were no 2xx, and connections that broke. */
  readonly failed: number;
}

/** What wrk prints; `-- ` so that it stands apart from its own report. */
const REPORT = `
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('-- {"count": %d, "micros": %d, "p50": %f, "p99": %f, "failed": %d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;

interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
}

/** Posts `body` to `url` as often as is answered, over as many connections at once. */
export async function loadUrl(url: string, body: string, options: LoadOptions): Promise<Load> {
  const folder = await mkdtemp(join(tmpdir(), 'mlts-load-'));
  try {
    const bodyFile = join(folder, 'body');
    await writeFile(bodyFile, body);
    const setUp =
      `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n` +
      `local file = io.open("${bodyFile}")\nwrk.body = file:read("*a")\nfile:close()\n`;
    return await loadScript(url, setUp, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As `loadUrl`, with the requests that a script of wrk's makes (https://github.com/wg/wrk/blob/master/SCRIPTING). */
export async function loadScript(
  url: string,
  lua: string,
  { connections, seconds }: LoadOptions,
): Promise<Load> {
  await installMissing({ wrk: 'wrk' });
  const folder = await mkdtemp(join(tmpdir(), 'mlts-load-'));
  try {
    const script = join(folder, 'load.lua');
    await writeFile(script, lua + REPORT);
    const amount = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '30s'];
    const { stdout } = await execa('wrk', [...amount, '-s', script, url]);
    return readReport(stdout);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readReport(text: string): Load {
  const line = /^-- (\{.*\})$/m.exec(text)?.[1];
  if (line === undefined) throw new Error(`wrk printed no report: ${text}`);
  const { count, micros, p50, p99, failed } = JSON.parse(line) as Record<string, number>;
  return {
    requestsPerSecond: (count ?? 0) / ((micros ?? 1) / 1e6),
    p50Ms: (p50 ?? 0) / 1_000,
    p99Ms: (p99 ?? 0) / 1_000,
    failed: failed ?? 0,
  };
}
