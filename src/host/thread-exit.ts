/**
 * Node waits at its exit for every thread, and one that is in the middle of a statement of SQLite's cannot be
 * interrupted, be it for hours. Where `isNeeded` says so at the exit, the process ends at once, as if by SIGTERM.
 */
export function leaveThreadAtExit(isNeeded: () => boolean): void {
  process.once('exit', () => {
    if (!isNeeded()) return;
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  });
}
