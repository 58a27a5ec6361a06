import { addAbortSignal, PassThrough, pipeline, type Readable } from 'node:stream';
import { Unavailable } from '../core/errors.ts';

/** Waits for what cannot be stopped itself; where the signal is aborted first, its result is left alone. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A timer that ends what makes no progress; `signal` is aborted then, with an `Unavailable`. */
export interface IdleTimer {
  readonly signal: AbortSignal;
  /** Something happened: the time starts anew. */
  restart(): void;
  stop(): void;
}

/** @param idleMs Infinity: it never ends anything. */
export function startIdleTimer(idleMs: number): IdleTimer {
  const controller = new AbortController();
  const end = (): void =>
    controller.abort(new Unavailable(`nothing came or went for ${idleMs / 1_000} s`));
  const timer = Number.isFinite(idleMs) ? setTimeout(end, idleMs) : undefined;
  return {
    signal: controller.signal,
    restart: () => void timer?.refresh(),
    stop: () => clearTimeout(timer),
  };
}

/** Passes a stream on, and ends it where nothing comes for so long. */
export function endWhenIdle(body: Readable, idleMs: number): Readable {
  const idle = startIdleTimer(idleMs);
  const passed = new PassThrough({
    transform(chunk, _encoding, done) {
      idle.restart();
      done(null, chunk);
    },
  });
  addAbortSignal(idle.signal, body);
  return pipeline(body, passed, () => idle.stop());
}

/** An interrupt is told as such, not as the error that a library makes of it. */
export function throwReason(
  signal: AbortSignal,
  otherwise: (error: unknown) => never,
): (error: unknown) => never {
  return (error) => {
    signal.throwIfAborted();
    return otherwise(error);
  };
}
