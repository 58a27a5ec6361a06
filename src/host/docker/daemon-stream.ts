import type { BuildEvent } from './build-output.ts';
import { type DockerTask, explainDockerError } from './error.ts';

/** One line of the daemon's JSON streams; failures come in-band, after a status of 200. */
export interface DaemonEvent extends BuildEvent {
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** @throws `signal.reason` when aborted, else what went wrong in our words. */
export async function runStream(
  task: DockerTask,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    signal.throwIfAborted();
    await work();
  } catch (error) {
    throw signal.aborted ? signal.reason : explainDockerError(error, task);
  }
}

export async function* readEvents(stream: NodeJS.ReadableStream): AsyncGenerator<DaemonEvent> {
  stream.setEncoding('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as DaemonEvent;
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as DaemonEvent;
}

/** Over all layers. */
export function sum(
  layers: ReadonlyMap<string, { current: number; total: number }>,
  field: 'current' | 'total',
): number {
  return [...layers.values()].reduce((total, layer) => total + layer[field], 0);
}
