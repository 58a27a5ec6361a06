const INTERRUPTING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type InterruptSignal = (typeof INTERRUPTING)[number];

/** 128+n, what a shell reports of a process that signal n ended. */
export const EXIT_CODE_OF: Readonly<Record<InterruptSignal, number>> = {
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
};

/** The reason with which `Interrupts.signal` is aborted. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly signalName: InterruptSignal;

  constructor(signalName: InterruptSignal) {
    super(`interrupted by ${signalName}`);
    this.signalName = signalName;
  }
}

/**
 * The first SIGINT, SIGTERM or SIGHUP asks everything to stop and clean up (`signal`), the second asks
 * to stop at once (`force`); a third ends the process wherever it is.
 */
export interface Interrupts {
  readonly signal: AbortSignal;
  readonly force: AbortSignal;
}

/** The signal to pass on; SIGTERM where something else than a signal interrupted us. */
export function signalNameOf({ signal }: Interrupts): InterruptSignal {
  return signal.reason instanceof Interrupted ? signal.reason.signalName : 'SIGTERM';
}

export function listenForInterrupts(processToWatch: NodeJS.Process): Interrupts {
  const first = new AbortController();
  const second = new AbortController();
  for (const name of INTERRUPTING) {
    processToWatch.on(name, () => {
      if (second.signal.aborted) processToWatch.exit(EXIT_CODE_OF[name]);
      (first.signal.aborted ? second : first).abort(new Interrupted(name));
    });
  }
  return { signal: first.signal, force: second.signal };
}

/** Returns when the signal is aborted, at once where it is already. */
export function waitUntilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
