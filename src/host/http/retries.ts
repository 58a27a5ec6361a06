import { setTimeout as sleep } from 'node:timers/promises';
import { variables } from '../../core/environment-variables.ts';
import { type MltsError, Unavailable } from '../../core/errors.ts';
import type { Context } from '../context.ts';
import type { HttpRequest } from './client.ts';
import type { HttpFailure } from './failure.ts';
import type { HttpSettings } from './settings.ts';

const LONGEST_WAIT_MS = 120_000;
const IDEMPOTENT_METHODS = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);
const DOUBT = 'it may have been done all the same: look before you run it again';

interface Retrying {
  readonly request: HttpRequest;
  readonly settings: HttpSettings;
  readonly context: Context;
}

/** Sends until it works or nothing speaks for another time. Each wait is told. */
export async function sendWithRetries<Answer extends { readonly status: number }>(
  send: () => Promise<Answer | HttpFailure>,
  { request, settings, context }: Retrying,
): Promise<Answer> {
  const { interrupts, terminal } = context;
  const { maxRetries, deadlineMs } = settings.retry;
  const interrupt = interrupts.signal.aborted ? interrupts.force : interrupts.signal;
  const signal = AbortSignal.any([interrupt, ...(request.signal ? [request.signal] : [])]);
  const endMs = context.now() + deadlineMs;
  for (let retries = 1; ; retries += 1) {
    const result = await send();
    if ('status' in result) return result;
    if (!mayRetry(request, result) || retries > maxRetries) throw doubted(request, result);
    const waitMs = waitMsOf(result, retries, settings);
    if (context.now() + waitMs > endMs) throw outOfTime(result, deadlineMs);
    const pause = waitMs < 1_000 ? '' : ` in ${Math.round(waitMs / 1_000)} s`;
    terminal.note(
      `retry ${retries} of ${maxRetries}${pause}: ${result.reason} (${describe(request)})`,
    );
    await waitBeforeRetry(waitMs, signal);
  }
}

function mayRetry(request: HttpRequest, { retry }: HttpFailure): boolean {
  return retry === 'always' || (retry === 'idempotent' && isIdempotent(request));
}

function isIdempotent(request: HttpRequest): boolean {
  return request.isIdempotent ?? IDEMPOTENT_METHODS.has(request.method);
}

/** Nobody knows whether the server did it before it failed: the user has to look. */
function doubted(request: HttpRequest, { error, retry }: HttpFailure): MltsError {
  if (retry !== 'idempotent' || isIdempotent(request)) return error;
  const isTimeout = error.hint?.startsWith(variables.httpRequestTimeout);
  const hint = `${DOUBT}${isTimeout ? `; ${error.hint}` : ''}`;
  return new Unavailable(error.message, { hint, cause: error.cause });
}

function outOfTime({ error, retryAfterMs }: HttpFailure, deadlineMs: number): MltsError {
  const limit = `${variables.retryDeadlineSeconds} (${deadlineMs / 1_000})`;
  const hint =
    retryAfterMs === undefined
      ? `run it again later, or raise ${limit}`
      : `the server asks for ${Math.round(retryAfterMs / 1_000)} s of patience: run it again then, or raise ${limit}`;
  return new Unavailable(error.message, { hint, cause: error.cause });
}

/** As urllib3 waits for MLflow: nothing before the first retry, then 2, 4, 8... times the factor. */
function waitMsOf(failure: HttpFailure, retries: number, { retry }: HttpSettings): number {
  if (retry.respectRetryAfter && failure.retryAfterMs !== undefined) {
    return Math.min(failure.retryAfterMs, LONGEST_WAIT_MS);
  }
  const seconds = retries === 1 ? 0 : retry.backoffFactor * 2 ** (retries - 1);
  return Math.min((seconds + Math.random() * retry.jitterSeconds) * 1_000, LONGEST_WAIT_MS);
}

async function waitBeforeRetry(waitMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await sleep(waitMs, undefined, { signal }).catch(() => {
    throw signal.reason;
  });
}

function describe({ method, path }: HttpRequest): string {
  return path === '' ? method : `${method} ${path}`;
}
