import { readdirSync, readFileSync, realpathSync } from 'node:fs';

/**
 * Sends `signal` to the processes that we started in `directory`, and to all that those started.
 *
 * A signal to `git submodule` alone is of no use: it waits for a shell, which waits for its own child,
 * for as long as the network makes that one wait. A process group of its own would cut git off from
 * the terminal on which it asks for passwords. Where there is no /proc (macOS) nothing is sent.
 */
export function signalTreeIn(directory: string, signal: NodeJS.Signals): void {
  const childrenOf = readChildren();
  const folder = realPathOf(directory);
  if (folder === undefined) return;
  const started = childrenOf.get(process.pid) ?? [];
  const tree = started.filter((pid) => realPathOf(`/proc/${pid}/cwd`) === folder);
  // The list grows while it is walked: each one's children come after it.
  for (const pid of tree) tree.push(...(childrenOf.get(pid) ?? []));
  for (const pid of tree) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
  }
}

function readChildren(): ReadonlyMap<number, readonly number[]> {
  const childrenOf = new Map<number, number[]>();
  for (const name of listProcesses()) {
    const parent = parentOf(name);
    if (parent === undefined) continue;
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(name)]);
  }
  return childrenOf;
}

function listProcesses(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** The fourth field of `pid (name) state parent ...`; the name may hold anything. */
function parentOf(pid: string): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** With links followed; undefined where nothing is, or no longer. */
function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
