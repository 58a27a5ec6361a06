import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  invoke,
  serveModelFolder,
  type TestedServer,
} from '../serving/scoring-server.ts';
import { createTestContext } from '../setup/context.ts';
import { createWorkspace, type Workspace } from '../setup/environments.ts';
import type { RunningServer } from '../setup/mlflow.ts';
import { SAME_SETS } from '../setup/models.ts';
import { ensureOlderModel, OLDER_MLFLOWS, startOlderScoring } from '../setup/older-models.ts';

const COLUMNS = ['area', 'rooms', 'new'];
const split = (columns: readonly string[], ...data: readonly (readonly unknown[])[]) =>
  JSON.stringify({ dataframe_split: { columns, data } });

const QUESTIONS: readonly (readonly [body: string, type?: string])[] = [
  [split(COLUMNS, [10.5, 2, true], [1e300, -3, false])],
  [split(['new', 'rooms', 'area'], [true, 2, 10.5])],
  [split(COLUMNS, [10, 2, true])],
  [split(COLUMNS, [10.5, 2.5, true])],
  [split(COLUMNS, [10.5, 2147483648, true])],
  [split(COLUMNS, [10.5, 2, 1])],
  [split(COLUMNS, ['10.5', 2, true])],
  [split(COLUMNS, [null, 2, true])],
  [split(COLUMNS, [10.5, null, true])],
  [split(COLUMNS)],
  [split(['area'], [10.5])],
  [split([...COLUMNS, 'more'], [10.5, 2, true, 'more'])],
  [JSON.stringify({ dataframe_records: [{ area: 10.5, rooms: 2, new: true }] })],
  [JSON.stringify({ instances: [{ area: 10.5, rooms: 2, new: true }] })],
  [JSON.stringify({ inputs: { area: [10.5], rooms: [2], new: [true] } })],
  [JSON.stringify({ inputs: [[10.5, 2, 1]] })],
  ['area,rooms,new\n10.5,2,True\n', 'text/csv'],
  ['area,rooms\n10.5,2\n', 'text/csv'],
  ['area,rooms,new\n10.5,2,True\n', 'text/csv; charset=utf-8'],
  ['area', 'text/html'],
  ['{}'],
  ['{'],
  ['[]'],
  ['{"columns": ["a"], "data": [[1]]}'],
  [split(COLUMNS, [10.5, 2, true]), 'application/json; charset=utf-8'],
  [split(COLUMNS, [10.5, 2, true]), 'application/json; format=pandas-split'],
];

/** Stacks name files and lines of the web server. */
function comparable({ status, type, body }: Answer): Answer {
  const text = body.replace(/"stack_trace": "(?:[^"\\]|\\.)*"/, '"stack_trace": ""');
  return { status, type, body: text };
}

describe.each(OLDER_MLFLOWS)('a model of MLflow %s, in an environment of its own', (version) => {
  let workspace: Workspace;
  let theirs: RunningServer;
  let ours: TestedServer;

  beforeAll(async () => {
    workspace = await createWorkspace();
    await workspace.addUv();
    const model = await ensureOlderModel(version);
    theirs = await startOlderScoring(model);
    const context = createTestContext({
      cwd: workspace.directory,
      env: { ...workspace.env, ...SAME_SETS },
    });
    ours = await serveModelFolder(model.folder, { manager: 'uv' }, context);
  }, 300_000);
  afterAll(async () => {
    await theirs?.stop();
    await ours?.close();
    await workspace?.[Symbol.asyncDispose]();
  });

  test.each(QUESTIONS)('is answered as by that MLflow: %s %s', async (body = '', type) => {
    const [mine, mlflows] = await Promise.all([
      invoke(ours.url, body, type),
      invoke(theirs.uri, body, type),
    ]);
    expect(comparable(mine)).toEqual(comparable(mlflows));
  });
});
