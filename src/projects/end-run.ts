import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminated, type RunStatus, type Tag } from '../core/entities.ts';
import { MltsError, Unavailable } from '../core/errors.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Context } from '../host/context.ts';
import type { TrackingStore } from '../tracking/store.ts';

const LONGEST_PAUSE_MS = 10_000;

/** How the run is to be ended. */
export interface RunEnd {
  readonly status: RunStatus;
  readonly tags: readonly Tag[];
}

/** The run to end, and for how long that is tried. */
export interface RunToEnd {
  readonly id: string;
  readonly deadlineMs: number;
}

/** KILLED when we were interrupted, else by the exit code; how it failed becomes two tags. */
export function judgeOutcome(outcome: Outcome): RunEnd {
  if (outcome.exitCode === 0 && outcome.interruptedBy === undefined) {
    return { status: 'FINISHED', tags: [] };
  }
  const signal = outcome.interruptedBy ?? outcome.signal;
  return {
    status: outcome.interruptedBy === undefined ? 'FAILED' : 'KILLED',
    tags: [
      { key: 'mlts.exitCode', value: String(outcome.exitCode) },
      ...(signal === undefined ? [] : [{ key: 'mlts.signal', value: signal }]),
    ],
  };
}

/**
 * Writes the end of a run. What the command itself wrote stays where it says the same: a command that
 * succeeded and ended its run FAILED on purpose is believed; one that failed after it had ended its run
 * FINISHED is not (mlflow/mlflow#5963).
 *
 * A store that has gone is tried again until MLTS_STORE_DEADLINE_SECONDS have passed or the user
 * interrupts. Never throws: the run is over.
 *
 * @returns undefined when it is written, else an error that says exactly what was not.
 */
export async function endRun(
  store: TrackingStore,
  { id: runId, deadlineMs }: RunToEnd,
  end: RunEnd,
  context: Context,
): Promise<Unavailable | undefined> {
  const endTimeMs = context.now();
  try {
    await retryUntilDeadline(endTimeMs + deadlineMs, context, async () => {
      const { info } = await store.getRun(runId);
      if (end.tags.length > 0) await store.logBatch(runId, { tags: end.tags });
      const stands =
        isTerminated(info.status) && (end.status === 'FINISHED' || info.status === end.status);
      if (!stands) await store.updateRun(runId, { status: end.status, endTimeMs });
    });
    return undefined;
  } catch (cause) {
    const ended = `status ${end.status}, end time ${new Date(endTimeMs).toISOString()}`;
    return new Unavailable(
      `the end of run ${runId} was not written (${ended}): ${messageOf(cause)}`,
      {
        hint: `it still shows as RUNNING in ${store.uri}: end it there when the store is back`,
        cause,
      },
    );
  }
}

async function retryUntilDeadline(
  deadlineMs: number,
  context: Context,
  write: () => Promise<void>,
): Promise<void> {
  // The first interrupt may be what ended the run: only a second one means "do not wait".
  const { force } = context.interrupts;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      const pauseMs = Math.min(500 * 2 ** attempt, LONGEST_PAUSE_MS);
      if (!isPassing(error) || force.aborted || context.now() + pauseMs > deadlineMs) throw error;
      context.terminal.note(
        `the run's end could not be written, trying again in ${pauseMs / 1_000} s: ${messageOf(error)}`,
      );
      await sleep(pauseMs, undefined, { signal: force }).catch(() => {});
    }
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof MltsError && error.code === 'TEMPORARILY_UNAVAILABLE';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
