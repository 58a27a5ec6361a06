/** The processes that a leader, started in a session of its own, and its descendants make up. */
export interface ProcessGroup {
  /** Nothing happens where nobody is left, or where what is left is no longer ours. */
  send(signal: NodeJS.Signals): void;
  isAlive(): boolean;
}

/** @param leaderPid pid of a child started with `detached`. */
export function findGroup(leaderPid: number): ProcessGroup {
  const kill = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-leaderPid, signal);
    } catch {
      return false;
    }
  };
  return { send: (signal) => void kill(signal), isAlive: () => kill(0) };
}
