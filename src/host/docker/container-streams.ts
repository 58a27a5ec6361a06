import type { Duplex, Readable, Writable } from 'node:stream';
import type Dockerode from 'dockerode';

/** What a container is connected to: our own three streams, or a test's. */
export interface ContainerStreams {
  readonly stdin: Readable & {
    readonly isTTY?: boolean;
    setRawMode?(isRaw: boolean): unknown;
  };
  readonly stdout: Writable & { readonly columns?: number; readonly rows?: number };
  readonly stderr: Writable;
}

export interface StreamOptions {
  readonly wantsStdin: boolean;
  /** The container has a terminal (`-A tty`): one raw stream, keys passed as they are pressed. */
  readonly isTerminal: boolean;
}

export interface ContainerConnection {
  /** Relays output until the container's output ends or the daemon goes; everything is written then. */
  relay(): Promise<void>;
  /** Gives stdin and the terminal back. */
  close(): void;
}

/** Attaches to a container that is created and not yet started, so that no output is missed. */
export async function connectStreams(
  container: Dockerode.Container,
  streams: ContainerStreams,
  { wantsStdin, isTerminal }: StreamOptions,
): Promise<ContainerConnection> {
  const socket = (await container.attach({
    stream: true,
    stdin: wantsStdin,
    stdout: true,
    stderr: true,
    hijack: true,
  })) as Duplex;
  const stopInput = wantsStdin ? passInput(streams.stdin, socket) : () => {};
  const leaveTerminal = isTerminal ? enterTerminal(container, streams) : () => {};
  return {
    async relay() {
      const frames = isTerminal ? readRaw(socket) : readFrames(socket);
      const guard = guardOutput(streams);
      try {
        for await (const { isError, bytes } of frames) {
          await write(isError ? streams.stderr : streams.stdout, bytes);
        }
      } catch {
        // A broken connection looks like an end here; whether the container still runs is asked next.
      } finally {
        guard.release();
      }
    },
    close() {
      leaveTerminal();
      stopInput();
      socket.destroy();
    },
  };
}

interface Frame {
  readonly isError: boolean;
  readonly bytes: Buffer;
}

const HEADER_BYTES = 8;
const STDERR = 2;

/**
 * Takes Docker's multiplexed stream apart: a header of eight bytes (stream number, three zeros, length)
 * before each piece. Pieces are handed on as they arrive, however the network cut them.
 */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let header = Buffer.alloc(0);
  let missing = 0;
  let isError = false;
  for await (const chunk of source) {
    for (let rest = chunk; rest.length > 0; ) {
      if (missing === 0) {
        const taken = rest.subarray(0, HEADER_BYTES - header.length);
        header = Buffer.concat([header, taken]);
        rest = rest.subarray(taken.length);
        if (header.length < HEADER_BYTES) break;
        isError = header[0] === STDERR;
        missing = header.readUInt32BE(4);
        header = Buffer.alloc(0);
      } else {
        const bytes = rest.subarray(0, missing);
        rest = rest.subarray(bytes.length);
        missing -= bytes.length;
        yield { isError, bytes };
      }
    }
  }
}

async function* readRaw(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  for await (const bytes of source) yield { isError: false, bytes };
}

/** Waits until the bytes are taken, so that a slow reader slows the container; a closed pipe is no error. */
function write(target: Writable, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => void target.write(bytes, () => resolve()));
}

/**
 * `mlts run | head`: a closed pipe must end neither us, without a listener, nor the run, by the listeners
 * of the whole program: they would end the process while the container is still to be removed.
 */
function guardOutput({ stdout, stderr }: ContainerStreams): { release(): void } {
  const restores = [stdout, stderr].map((stream) => {
    const listeners = stream.rawListeners('error') as ((error: Error) => void)[];
    const ignore = (): void => {};
    stream.removeAllListeners('error').on('error', ignore);
    return () => {
      stream.off('error', ignore);
      for (const listener of listeners) stream.on('error', listener);
    };
  });
  return {
    release() {
      for (const restore of restores) restore();
    },
  };
}

function passInput(stdin: ContainerStreams['stdin'], socket: Duplex): () => void {
  const ignore = (): void => {};
  // The container may close its end at any time.
  socket.on('error', ignore);
  stdin.pipe(socket);
  return () => {
    stdin.unpipe(socket);
    stdin.pause();
  };
}

/** Keys go to the container one by one, and it knows our window's size. */
function enterTerminal(
  container: Dockerode.Container,
  { stdin, stdout }: ContainerStreams,
): () => void {
  const resize = (): void => {
    const { columns: w, rows: h } = stdout;
    if (w !== undefined && h !== undefined) container.resize({ w, h }).catch(() => {});
  };
  stdin.setRawMode?.(true);
  stdout.on('resize', resize);
  return () => {
    stdin.setRawMode?.(false);
    stdout.off('resize', resize);
  };
}
