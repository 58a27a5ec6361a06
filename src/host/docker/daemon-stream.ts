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

/** Adds up what the layers of a transfer have come to. @throws what `explain` makes of a failure in the stream. */
export async function followLayers(
  stream: NodeJS.ReadableStream,
  status: 'Downloading' | 'Pushing',
  onProgress: (doneBytes: number, totalBytes: number) => void,
  explain: (text: string) => Error,
): Promise<void> {
  const layers = new Map<string, { current: number; total: number }>();
  for await (const event of readEvents(stream)) {
    if (event.error !== undefined) throw explain(event.error);
    const { current, total } = event.progressDetail ?? {};
    if (event.status !== status || event.id === undefined || !current || !total) continue;
    layers.set(event.id, { current, total });
    onProgress(sum(layers, 'current'), sum(layers, 'total'));
  }
}

function sum(
  layers: ReadonlyMap<string, { current: number; total: number }>,
  field: 'current' | 'total',
): number {
  return [...layers.values()].reduce((total, layer) => total + layer[field], 0);
}
