import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { NodeSqliteConnection } from './node-sqlite-connection.ts';
import type { Answered, Asked, Query, ReadingPlace } from './reading-thread.ts';
import { speakAsMlflow } from './sqlite-settings.ts';

/** The thread of `reading-thread.ts`: answers queries, one after the other, on a connection of its own. */
const { path, waitMs } = workerData as ReadingPlace;
const file = new DatabaseSync(path, { readOnly: true, timeout: 0 });
speakAsMlflow(file);
const connection = new NodeSqliteConnection(file);

parentPort?.on('message', async ({ query }: Asked) => {
  if (query !== undefined) {
    parentPort?.postMessage(await answer(query));
    return;
  }
  connection.close();
  parentPort?.close();
});

async function answer(query: Query): Promise<Answered> {
  try {
    const { rows } = await connection.execute(query, Date.now() + waitMs);
    return { rows };
  } catch (error) {
    // Of an error only what it says would come through.
    const { name, message, code, errcode } = error as Error & { code?: string; errcode?: number };
    return { failure: { name, message, code, errcode } };
  }
}
