import type { IncomingMessage } from 'node:http';

/** A body that nobody wants any more may go on for so long. */
const DROPPING_MS = 10_000;

/** Who is still sending would lose the answer with the connection: what comes is dropped. */
export function dropRest(request: IncomingMessage): void {
  const timer = setTimeout(() => request.destroy(), DROPPING_MS);
  const stop = (): void => clearTimeout(timer);
  request.once('end', stop).once('close', stop).resume();
}

/** How often a client is looked at within the time that it may be silent. */
const LOOKS = 4;

/**
 * Ends a streamed body of which nothing comes any more. As long as something comes it may take as long as it likes;
 * how long we take with what has come does not count, and neither does what we do when all is there.
 */
export function limitSilence(request: IncomingMessage, silenceMs: number): void {
  let [seen, silentLooks] = [-1, 0];
  const look = (): void => {
    const { bytesRead } = request.socket;
    const waitsForUs = request.readableLength > 0;
    silentLooks = waitsForUs || bytesRead !== seen ? 0 : silentLooks + 1;
    seen = bytesRead;
    if (silentLooks >= LOOKS) request.destroy();
  };
  const timer = setInterval(look, silenceMs / LOOKS);
  const stop = (): void => clearInterval(timer);
  request.once('end', stop).once('close', stop);
}
