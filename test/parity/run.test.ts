import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../cli/rig.ts';
import { readOnlyRun, type StoredRun } from '../cli/store.ts';
import {
  askPython,
  ensureMlflow,
  findFreePort,
  type Mlflow,
  mlflowEnv,
  waitUntilListening,
} from '../setup/mlflow.ts';

/**
 * The same project through `mlflow run` and `mlts run`, each with a database of its own; what each
 * stored and what each command was given must be the same, but for what the README names.
 */
const RECORD = `import json, os, sys
names = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACKING_URI", "GIVEN")
json.dump({"argv": sys.argv[1:], "cwd": os.getcwd(), "env": {n: os.environ.get(n) for n in names}}, open(os.environ["RECORD"], "w"))
`;

interface Case {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  /** Run once in the folder, before both. */
  readonly prepare?: string;
  readonly exitCode?: number;
}

const GIT = 'git -c user.name=a -c user.email=a@b -c init.defaultBranch=main';

const CASES: readonly Case[] = [
  {
    title: 'types, defaults, quoting, extra parameters, names',
    files: {
      'p/MLproject': `name: all kinds
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 1.50}
      flag: {type: bool, default: yes}
      sci: {type: str, default: 1e-3}
      text: {type: string, default: "it's a {nice} \\"day\\""}
      learning-rate: float
    command: "python record.py {alpha} {flag} {sci} {text} {learning-rate} '{{}}'"
`,
      'p/record.py': RECORD,
    },
    args: [
      'p',
      '-P',
      'learning-rate=0.1',
      '-P',
      'extra=a  b',
      '-P',
      'empty=',
      '--run-name',
      'named',
      '--experiment-name',
      'parity',
    ],
  },
  {
    title: 'a path parameter, and a uri',
    files: {
      'p/MLproject': `entry_points:
  main:
    parameters: {data: path, where: {type: uri, default: "s3://bucket/x.csv"}}
    command: "python record.py {data} {where}"
`,
      'p/record.py': RECORD,
      'data.csv': 'a\n1\n',
    },
    args: ['p', '-P', 'data=data.csv'],
  },
  {
    title: 'a project in a subfolder of a repository with a remote',
    files: {
      'repo/sub/MLproject': 'entry_points: {main: {command: "python record.py"}}\n',
      'repo/sub/record.py': RECORD,
    },
    prepare: `cd repo && ${GIT} init -q && ${GIT} add -A && ${GIT} commit -qm one && git remote add origin https://user:pw@example.com/x/y.git`,
    args: ['repo/sub'],
  },
  {
    title: 'a Git URI with a subdirectory and a branch',
    files: {
      'repo/sub/MLproject':
        'entry_points: {main: {command: "python record.py {a}", parameters: {a: {default: 1}}}}\n',
      'repo/sub/record.py': RECORD,
    },
    prepare: `cd repo && ${GIT} init -q && ${GIT} add -A && ${GIT} commit -qm one && git branch side && cd .. && git clone -q --bare repo bare.git`,
    args: ['git://127.0.0.1:PORT/bare.git#sub', '--version', 'side'],
  },
  {
    title: 'a Git URI with a tag and a submodule beside the repository',
    files: {
      'repo/MLproject': 'entry_points: {main: {command: "python lib/record.py"}}\n',
      'lib/record.py': RECORD,
    },
    prepare: `
      for name in lib repo; do (cd $name && ${GIT} init -q && ${GIT} add -A && ${GIT} commit -qm one); done
      git clone -q --bare lib lib.git && cd repo
      ${GIT} -c protocol.file.allow=always submodule --quiet add "$PWD/../lib.git" lib
      git config -f .gitmodules submodule.lib.url ../lib.git
      ${GIT} commit -qam two && ${GIT} tag -am t v1 && ${GIT} commit -qm three --allow-empty
      cd .. && git clone -q --bare repo repo.git`,
    args: ['git://127.0.0.1:PORT/repo.git', '--version', 'v1'],
  },
  {
    title: 'a script without an MLproject file',
    files: { 'p/record.py': RECORD },
    args: ['p', '-e', 'record.py', '-P', 'a=1', '-P', 'b=x y'],
  },
  {
    title: 'a command that fails',
    files: {
      'p/MLproject': 'entry_points: {main: {command: "python record.py; exit 3"}}\n',
      'p/record.py': RECORD,
    },
    args: ['p'],
    exitCode: 3,
  },
];

interface Seen {
  readonly run: StoredRun;
  readonly record: { argv: string[]; cwd: string; env: Record<string, string | null> };
  readonly exitCode: number | undefined;
}

let mlflow: Mlflow;
beforeAll(async () => {
  mlflow = await ensureMlflow();
});

async function runThrough(
  tool: 'mlts' | 'mlflow',
  rig: Rig,
  args: readonly string[],
): Promise<Seen> {
  const record = rig.path(`${tool}.json`);
  const env = {
    PATH: `${mlflow.bin}:${process.env.PATH}`,
    MLFLOW_TRACKING_URI: `sqlite:///${rig.path(`${tool}.db`)}`,
    RECORD: record,
    GIVEN: 'from outside',
  };
  const words = ['run', ...args, '--env-manager', 'local'];
  const { exitCode } =
    tool === 'mlts'
      ? await rig.mlts(words, { env })
      : await execa(mlflow.mlflow, words, {
          cwd: rig.directory,
          env: mlflowEnv({ ...env, GIT_CONFIG_GLOBAL: rig.env.GIT_CONFIG_GLOBAL ?? '' }),
          extendEnv: false,
          reject: false,
        });
  return {
    run: readOnlyRun(rig.path(`${tool}.db`)),
    record: JSON.parse(await readFile(record, 'utf8')),
    exitCode,
  };
}

/** What may differ: made-up names, our own tags, the checkout's folder, and MLflow's shell quotes. */
function comparable({ run, record }: Seen, isFetched: boolean) {
  const shared = Object.entries(run.tags).filter(([key]) => !key.startsWith('mlts.'));
  const { 'mlflow.runName': name, ...tags } = Object.fromEntries(shared);
  return {
    status: run.status,
    tags: name === 'named' ? { ...tags, name } : tags,
    params: Object.fromEntries(
      Object.entries(run.params).map(([key, value]) => [key, unquote(value)]),
    ),
    artifacts: run.artifactUri.replace(run.id, 'RUN'),
    userId: run.userId,
    ...record,
    cwd: isFetched ? '' : record.cwd,
    env: {
      ...record.env,
      MLFLOW_RUN_ID: record.env.MLFLOW_RUN_ID === run.id,
      MLFLOW_TRACKING_URI: '',
    },
  };
}

/** Undoes Python's shlex.quote. */
function unquote(text: string): string {
  return /^'.*'$/s.test(text) ? text.slice(1, -1).replaceAll(`'"'"'`, "'") : text;
}

/** MLflow takes `file://` for a plain folder: a repository must be served to count as remote. */
async function serveGit(folder: string): Promise<AsyncDisposable & { readonly port: number }> {
  const port = await findFreePort();
  const where = ['--listen=127.0.0.1', `--port=${port}`, `--base-path=${folder}`];
  // `git daemon` is a child of `git`: both are ended by their group.
  const options = { reject: false, detached: true, stdio: 'ignore' } as const;
  const daemon = execa('git', ['daemon', '--export-all', '--reuseaddr', ...where], options);
  await waitUntilListening(port);
  return {
    port,
    async [Symbol.asyncDispose]() {
      process.kill(-(daemon.pid ?? 0), 'SIGKILL');
      await daemon;
    },
  };
}

describe('mlts run and mlflow run', () => {
  test.each(CASES)('$title', async ({ files, args, prepare, exitCode = 0 }) => {
    await using rig = createRig();
    await rig.write(files);
    if (prepare !== undefined) await execa('bash', ['-c', prepare], { cwd: rig.directory });
    await using daemon = await serveGit(rig.directory);
    const words = args.map((word) => word.replace('PORT', String(daemon.port)));
    const ours = await runThrough('mlts', rig, words);
    const theirs = await runThrough('mlflow', rig, words);
    const isFetched = words[0]?.startsWith('git:') ?? false;
    expect(comparable(ours, isFetched)).toEqual(comparable(theirs, isFetched));
    expect(ours.record.env.MLFLOW_TRACKING_URI).toBe(`sqlite:///${rig.path('mlts.db')}`);
    expect(ours.exitCode).toBe(exitCode);
  });

  test('Python finds and continues what mlts wrote, and mlts what Python wrote', async () => {
    await using rig = createRig();
    await rig.write({
      'p/MLproject': 'entry_points: {main: {command: "python log.py"}}\n',
      'p/log.py':
        'import mlflow\nwith mlflow.start_run():\n    mlflow.log_metric("m", 0.25, step=3)\n    mlflow.log_param("p", "from python")\n    mlflow.log_text("hello", "note.txt")\n',
    });
    const env = { PATH: `${mlflow.bin}:${process.env.PATH}` };
    const ended = await rig.mlts(
      ['run', 'p', '--env-manager', 'local', '--experiment-name', 'shared'],
      { env },
    );
    expect(ended.exitCode).toBe(0);
    expect(ended.stderr).toMatch(/^ +m +0\.25$/m);
    const found = await askPython<Record<string, unknown>>(
      `import json, mlflow
from mlflow import MlflowClient
client = MlflowClient()
[run] = client.search_runs([client.get_experiment_by_name("shared").experiment_id], "status = 'FINISHED' and metrics.m > 0.2")
print(json.dumps({"name": run.info.run_name, "params": run.data.params, "metrics": run.data.metrics,
  "text": mlflow.artifacts.load_text(run.info.artifact_uri + "/note.txt")}))`,
      [],
      { cwd: rig.directory, env: { MLFLOW_TRACKING_URI: `sqlite:///${rig.path('mlflow.db')}` } },
    );
    expect(found).toMatchObject({
      params: { p: 'from python' },
      metrics: { m: 0.25 },
      text: 'hello',
    });
  });
});
