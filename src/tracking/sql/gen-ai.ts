import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import type { EvaluationDataset } from '../../core/entities.ts';
import type { Page } from '../../core/page.ts';
import { changed, explained, type SqlConnection } from '../../sql/connection.ts';
import type { EvaluationTables } from '../../sql/evaluation-tables.ts';
import type { Tables } from '../../sql/tables.ts';
import { checkRunId, checkTraceIds } from '../limits.ts';
import type { DatasetSearch, GenAiStore } from '../store.ts';
import { searchDatasets } from './dataset-search.ts';
import { readRunInfo } from './rows.ts';

/** GenAI's part of a database (`mlflow/store/tracking/sqlalchemy_store.py`). */
export class SqlGenAiStore implements GenAiStore {
  readonly #connection: SqlConnection;
  readonly #now: () => number;

  constructor(connection: SqlConnection, now: () => number) {
    this.#connection = connection;
    this.#now = now;
  }

  async searchDatasets(search: DatasetSearch): Promise<Page<EvaluationDataset>> {
    return explained(this.#connection, () => searchDatasets(this.#connection.database, search));
  }

  async linkTraces(runId: string, traceIds: readonly string[]): Promise<void> {
    checkRunId(runId);
    const ids = checkTraceIds(traceIds);
    await changed(this.#connection, async (transaction) => {
      await readRunInfo(transaction, runId);
      await insertLinks(transaction, runId, ids, this.#now());
    });
  }
}

/** Those that are there stay as they are. */
async function insertLinks(
  transaction: Transaction<Tables>,
  runId: string,
  traceIds: readonly string[],
  nowMs: number,
): Promise<void> {
  const rows = [...new Set(traceIds)].map((traceId) => ({
    association_id: randomUUID().replaceAll('-', ''),
    source_type: 'trace',
    source_id: traceId,
    destination_type: 'run',
    destination_id: runId,
    created_time: nowMs,
  }));
  if (rows.length === 0) return;
  await transaction
    .withTables<EvaluationTables>()
    .insertInto('entity_associations')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
