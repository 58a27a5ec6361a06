import { afterAll, beforeAll, describe } from 'vitest';
import { type RunningPostgres, startPostgres, whyNoPostgres } from './postgres.ts';

/** A group of tests with a PostgreSQL of their own, which `postgres()` is; skipped where there can be none, and why is told. */
export function describeOnPostgres(
  title: string,
  define: (postgres: () => RunningPostgres) => void,
): void {
  const reason = whyNoPostgres();
  describe.skipIf(reason !== undefined)(title + (reason ? ` (skipped: ${reason})` : ''), () => {
    let running: RunningPostgres | undefined;
    beforeAll(async () => {
      running = await startPostgres();
    });
    afterAll(() => running?.stop());
    define(() => running as RunningPostgres);
  });
}
