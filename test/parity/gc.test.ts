import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Ended, type Rig } from '../cli/rig.ts';
import { askPython } from '../setup/mlflow.ts';
import { describeOnPostgres } from '../setup/on-postgres.ts';
import { FILL_STORE, moveArtifacts } from './gc-store.ts';

/** One call of `gc`, on a copy of the store of its own; words in capitals stand for ids. */
interface Case {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Statements that come first. */
  readonly sql?: readonly string[];
}

const MOVE_TO_TEAM = [
  "insert into workspaces (name) values ('team')",
  "update experiments set workspace = 'team' where name = 'old'",
  "update jobs set workspace = 'team' where id in ('job2', 'job0')",
];

const CASES: readonly Case[] = [
  { args: [] },
  { args: ['--older-than', '9.5h'] },
  { args: ['--older-than', '8h59m'] },
  { args: ['--older-than', '0.1d'] },
  { args: ['--older-than', ''] },
  { args: ['--older-than', 'soon'] },
  { args: ['--older-than', '5m1h'] },
  { args: ['--older-than', '100d'] },
  { args: ['--run-ids', 'kept deleted,gone young'] },
  { args: ['--run-ids', 'kept young', '--older-than', '1h'] },
  { args: ['--run-ids', 'kept active'] },
  { args: ['--run-ids', 'f'.repeat(32)] },
  { args: ['--experiment-ids', 'experiment old'] },
  { args: ['--experiment-ids', 'experiment old', '--run-ids', 'kept deleted'] },
  { args: ['--experiment-ids', 'experiment kept'] },
  { args: ['--experiment-ids', 'experiment gone', '--older-than', '1h'] },
  { args: ['--experiment-ids', '987654'] },
  { args: ['--experiment-ids', 'no number'] },
  { args: ['--logged-model-ids', 'gone deleted model'] },
  { args: ['--logged-model-ids', 'kept model'] },
  { args: ['--logged-model-ids', 'm-none'] },
  { args: ['--jobs', '--older-than', '3.5h', '--backend-store-uri', 'STORE'] },
  { args: ['--jobs', '--backend-store-uri', 'STORE'] },
  { args: ['--job-ids', 'job1,job2,job6,none', '--backend-store-uri', 'STORE'] },
  { args: ['--all-workspaces'], sql: MOVE_TO_TEAM },
  {
    args: ['--all-workspaces', '--jobs', '--backend-store-uri', 'STORE', '--run-ids', 'kept young'],
    sql: MOVE_TO_TEAM,
  },
  { args: ['--workspace', 'team', '--jobs', '--backend-store-uri', 'STORE'], sql: MOVE_TO_TEAM },
  { args: ['--run-ids', 'kept young'], env: { MLFLOW_WORKSPACE: 'team' }, sql: MOVE_TO_TEAM },
  { args: ['--workspace', 'a', '--all-workspaces'] },
  { args: ['--workspace', 'nowhere'] },
];

/** Statements first, where there are some; then MLflow's own `gc` where asked to; then all that is there. */
const ACT = `
import json, os, sys
import sqlalchemy as sa
from click.testing import CliRunner
def dump(uri, folder):
    engine = sa.create_engine(uri)
    tables = sa.MetaData(); tables.reflect(engine)
    with engine.connect() as connection:
        return {name: sorted(json.dumps(list(map(str, row))).replace(folder, "FOLDER") for row in connection.execute(table.select())) for name, table in tables.tables.items()}
results = []
for step in json.loads(sys.argv[1]):
    uri, folder = step["uri"], step["folder"]
    with sa.create_engine(uri).begin() as connection:
        for statement in step["sql"]: connection.execute(sa.text(statement))
    ended = {}
    if step["args"] is not None:
        from mlflow.cli import cli
        before = dict(os.environ)
        os.environ.update({"MLFLOW_TRACKING_URI": uri, **step["env"]})
        result = CliRunner().invoke(cli, ["gc", *step["args"]])
        os.environ.clear(); os.environ.update(before)
        ended = {"exitCode": result.exit_code, "stdout": result.stdout}
    results.append({**ended, "tables": dump(uri, folder)})
print(json.dumps(results))`;

interface Acted {
  readonly exitCode: number;
  readonly stdout: string;
  readonly tables: Readonly<Record<string, readonly string[]>>;
}

interface Copy {
  readonly uri: string;
  readonly folder: string;
}

interface Filled extends Copy {
  readonly ids: Readonly<Record<string, string>>;
}

async function fillStore(rig: Rig, uri: string, folder: string): Promise<Filled> {
  const ids = await askPython<Record<string, string>>(FILL_STORE, [uri, folder], {
    cwd: rig.directory,
  });
  return { uri, folder, ids };
}

const listTree = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true })).sort();

/** Its own words for a failure are no part of the contract, and it removes runs in the order of a set. */
function comparable({ exitCode, stdout }: Pick<Acted, 'exitCode' | 'stdout'>) {
  return { exitCode, lines: exitCode === 0 ? stdout.trim().split('\n').sort() : [] };
}

function resolveArgs(args: readonly string[], { ids }: Filled, uri: string): readonly string[] {
  return args.map((word) => {
    if (word === 'STORE') return uri;
    return word
      .split(',')
      .map((name) => ids[name] ?? name)
      .join(',');
  });
}

/** The same calls on copies of the store, half of them through MLflow: what is left must be the same. */
async function compareCases(
  rig: Rig,
  store: Filled,
  cases: readonly Case[],
  copyDatabase: (name: string) => Promise<string>,
): Promise<void> {
  const copy = async (name: string): Promise<Copy> => {
    const folder = rig.path(name);
    await cp(store.folder, folder, { recursive: true });
    return { folder, uri: await copyDatabase(name) };
  };
  const prepare = (args: readonly string[], { uri, folder }: Copy, { env, sql = [] }: Case) => ({
    ...{ uri, folder, env: env ?? {}, args: resolveArgs(args, store, uri) },
    sql: [...moveArtifacts(store.folder, folder), ...sql],
  });
  const act = (steps: readonly object[]) =>
    askPython<readonly Acted[]>(ACT, [JSON.stringify(steps)], { cwd: rig.directory });
  const made: { each: Case; ours: Copy; theirs: Copy }[] = [];
  for (const [index, each] of cases.entries()) {
    made.push({ each, ours: await copy(`ours${index}`), theirs: await copy(`theirs${index}`) });
  }
  const theirs = await act(made.map((one) => prepare(one.each.args, one.theirs, one.each)));
  await act(made.map((one) => ({ ...prepare([], one.ours, one.each), args: null })));
  const ours: Ended[] = [];
  for (const { each, ours: place } of made) {
    const words = ['gc', ...resolveArgs(each.args, store, place.uri)];
    const env = { MLFLOW_TRACKING_URI: place.uri, ...each.env };
    ours.push(await rig.mlts(words, { env }));
  }
  const left = await act(made.map((one) => ({ ...one.ours, sql: [], env: {}, args: null })));
  for (const [index, { each, ...places }] of made.entries()) {
    const [our, their] = [ours[index], theirs[index]];
    if (our === undefined || their === undefined) throw new Error('one of them said too little');
    const { exitCode = -1, stdout, stderr } = our;
    const what = { args: each.args, stderr };
    expect({ ...what, ...comparable({ exitCode, stdout }) }).toEqual({
      ...what,
      ...comparable(their),
    });
    // MLflow may have removed a part before it fails; mlts finds out first.
    if (exitCode !== 0) continue;
    expect({ ...what, tables: left[index]?.tables }).toEqual({ ...what, tables: their.tables });
    expect(await listTree(places.ours.folder)).toEqual(await listTree(places.theirs.folder));
  }
}

describe('gc on SQLite', () => {
  let rig: Rig;
  let store: Filled;
  beforeAll(async () => {
    rig = createRig();
    store = await fillStore(rig, `sqlite:///${rig.path('filled.db')}`, rig.path('filled'));
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  test('removes what MLflow removes', async () => {
    await compareCases(rig, store, CASES, async (name) => {
      await cp(rig.path('filled.db'), rig.path(`${name}.db`));
      return `sqlite:///${rig.path(`${name}.db`)}`;
    });
  }, 600_000);
});

describeOnPostgres('gc on PostgreSQL', (postgres) => {
  let rig: Rig;
  let store: Filled;
  beforeAll(async () => {
    rig = createRig();
    store = await fillStore(rig, await postgres().createDatabase(), rig.path('filled'));
  });
  afterAll(() => rig?.[Symbol.asyncDispose]());

  test('removes what MLflow removes', async () => {
    const plain = (uri: string) => uri.replace('+psycopg2', '');
    const dump = await execa(join(postgres().bin, 'pg_dump'), [plain(store.uri)]);
    const cases = CASES.filter(({ args, sql }) => args.length === 0 || sql !== undefined);
    await compareCases(rig, store, cases, async () => {
      const uri = await postgres().createDatabase();
      await execa(join(postgres().bin, 'psql'), ['-q', plain(uri)], { input: dump.stdout });
      return uri;
    });
  }, 600_000);
});
