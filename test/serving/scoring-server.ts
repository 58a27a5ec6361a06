import { join } from 'node:path';
import type { Context } from '../../src/host/context.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { readMlmodel } from '../../src/models/mlmodel.ts';
import { answerScoringError, createScoringApp } from '../../src/serving/app.ts';
import { planColumns } from '../../src/serving/columns.ts';
import {
  launchWorker,
  type ModelEnvironmentOptions,
  prepareModelEnvironment,
} from '../../src/serving/model-process.ts';
import { type PoolOptions, WorkerPool } from '../../src/serving/pool.ts';
import { Worker } from '../../src/serving/worker.ts';
import { createTestContext } from '../setup/context.ts';
import { ensureMlflow } from '../setup/mlflow.ts';
import { ensureModels, makeServingFolder, SAME_SETS } from '../setup/models.ts';

export interface TestedServer {
  readonly url: string;
  readonly pool: WorkerPool;
  readonly takesColumns: boolean;
  close(): Promise<void>;
}

/** Serves one of the test models in this process, without the command line around it. */
export async function serveTestModel(
  name: string,
  options: Partial<PoolOptions> & {
    readonly mostBodyBytes?: number;
    readonly isStrict?: boolean;
  } = {},
): Promise<TestedServer> {
  const { bin } = await ensureMlflow();
  const folder = join(await ensureModels(), name);
  const context = createTestContext({
    cwd: await makeServingFolder(),
    env: { ...process.env, ...SAME_SETS, PATH: `${bin}:${process.env.PATH}` },
  });
  return serveModelFolder(folder, { manager: 'local' }, context, options);
}

/** As `serveTestModel`, any model in any environment. */
export async function serveModelFolder(
  folder: string,
  environment: ModelEnvironmentOptions,
  context: Context,
  options: Parameters<typeof serveTestModel>[1] = {},
): Promise<TestedServer> {
  const { isStrict = false } = options;
  const model = { uri: folder, folder, file: await readMlmodel(folder) };
  const launch = launchWorker(
    model,
    await prepareModelEnvironment(model, environment, context),
    context,
  );
  const pool = new WorkerPool({
    size: 1,
    mostWaiting: 1_000,
    timeoutMs: 30_000,
    mostBatchRows: 1,
    batchWaitMs: 0,
    mostWorkerBytes: undefined,
    startWorker: () => new Worker(launch),
    onEvent: () => {},
    ...options,
  });
  const { mlflow: mlflowVersion, takesColumns } = await pool.start();
  const plan = planColumns(model.file.signature);
  const server: HttpServer = await startHttpServer(
    createScoringApp({ pool, plan, takesColumns, isStrict, mlflowVersion }),
    {
      host: '127.0.0.1',
      port: 0,
      mostBodyBytes: options.mostBodyBytes ?? 100_000_000,
      answerError: answerScoringError,
    },
  );
  return {
    url: server.url,
    pool,
    takesColumns,
    async close() {
      await server.close(5_000);
      await pool.close(5_000);
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

export async function invoke(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  type: string | undefined = 'application/json',
): Promise<Answer> {
  const response = await fetch(`${url}/invocations`, {
    method: 'POST',
    body,
    headers: type === undefined ? {} : { 'content-type': type },
  });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: await response.text(),
  };
}
