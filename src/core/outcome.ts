/** How a child process or container ended. */
export interface Outcome {
  /** As a shell would report it: the child's own code, or 128+n for signal n. */
  readonly exitCode: number;
  /** `SIGKILL` and the like, where a signal ended it. */
  readonly signal: string | undefined;
  /** Set where we ended it because we were interrupted. */
  readonly interruptedBy: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | undefined;
}
