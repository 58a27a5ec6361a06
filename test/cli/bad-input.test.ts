import { open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import { breakOff, PASSWORD, sendError, startFailingServer } from '../setup/failing-server.ts';
import { ensureMlflow, findFreePort, startMlflowServer } from '../setup/mlflow.ts';
import { mountSmallDisk, whyNoSmallDisk } from '../setup/small-disk.ts';
import { createRig, type Ended, type Rig } from './rig.ts';

const NOBODY = 'a'.repeat(32);

/** One line that says what is wrong, one with the mend; nothing on stdout, no stack, no password. */
function expectClearError(ended: Ended, exitCode: number, told: string | RegExp): void {
  expect(ended.stderr).toMatch(told);
  const lines = ended.stderr.trimEnd().split('\n');
  expect(
    lines.filter((line) => line.startsWith('error: ')),
    ended.stderr,
  ).toHaveLength(1);
  expect(
    lines.filter((line) => line.startsWith('hint: ')),
    ended.stderr,
  ).toHaveLength(1);
  expect(ended.stderr).not.toMatch(/^\s+at |bug in mlts|undefined|\[object/m);
  expect(ended.stderr).not.toContain(PASSWORD);
  expect(ended).toMatchObject({ exitCode, stdout: '' });
}

interface Store {
  readonly rig: Rig;
  readonly uri: string;
  /** A run with param `a` = 1, in experiment 0. */
  readonly run: string;
}

async function fillStore(rig: Rig, uri: string): Promise<Store> {
  const options = { env: { MLFLOW_TRACKING_URI: uri } };
  const created = await rig.mlts(['runs', 'create', '--experiment-id', '0'], options);
  const { run_id: run } = JSON.parse(created.stdout) as { run_id: string };
  await rig.mlts(['runs', 'log-param', run, 'a', '1'], options);
  return { rig, uri, run };
}

const TRACKING_CASES: readonly (readonly [
  line: string,
  exitCode: number,
  told: string | RegExp,
])[] = [
  ['experiments get --experiment-id 99', 1, /experiment.* 99|id=99/],
  ['experiments get --experiment-id ../x', 1, '`../x` is no experiment id'],
  ['experiments get --experiment-name nope', 1, /experiment .*name.*nope/],
  ['experiments rename --experiment-id 99 --new-name x', 1, /experiment.* 99|id=99/i],
  ['experiments rename --experiment-id 0 --new-name ', 1, /name/],
  ['experiments delete --experiment-id 99', 1, /experiment.* 99|id=99/i],
  ['experiments restore --experiment-id 99', 1, /experiment.* 99|id=99/i],
  ['experiments create -n Default', 1, /Default/],
  ['experiments create', 2, 'required option'],
  ['experiments search --max-results -1', 2, '-1'],
  ["experiments search --filter nam='x'", 1, 'there is no attribute `nam`'],
  ['experiments search --view some', 2, 'some'],
  ['experiments set-tag 99 a b', 1, /experiment.* 99|id=99/i],
  ['experiments nope', 2, 'nope'],
  [`runs get ${NOBODY}`, 1, NOBODY],
  ['runs get ../x', 1, '`../x` is no run id'],
  [`runs describe --run-id ${NOBODY}`, 1, NOBODY],
  [`runs delete --run-id ${NOBODY}`, 1, NOBODY],
  [`runs restore --run-id ${NOBODY}`, 1, NOBODY],
  ['runs search --filter metrics.a>x', 1, 'a number is missing'],
  ['runs search --filter metrics.a', 1, 'a comparator is missing'],
  ['runs search --filter foo.a>1', 1, '`foo` is no kind of field'],
  ['runs search --order-by foo.a', 1, '`foo` is no kind of field'],
  ['runs search --experiment-name nope', 1, /experiment .*name.*nope/],
  ['runs log-param RUN a 2', 1, /`1` and cannot become `2`|'1'.*'2'/s],
  ['runs log-metric RUN m high', 2, 'high'],
  ['runs log-metric RUN m 1 --step 1.5', 2, '1.5'],
  ['runs log-metric RUN m 1 --timestamp never', 2, 'never'],
  [`runs log-metric ${NOBODY} m 1`, 1, NOBODY],
  ['runs log-metric RUN ../m 1', 1, '../m'],
  ['runs set-tag RUN a;b c', 1, 'a;b'],
  ['runs delete-tag RUN nope', 1, 'nope'],
  ['runs metrics RUN nope', 1, 'has no metric `nope`'],
  [`runs compare RUN ${NOBODY}`, 1, NOBODY],
  ['runs create --experiment-id 99', 1, /experiment.* 99|id=99/i],
  ['runs create', 2, 'exactly one of'],
  [`runs create --experiment-id 0 --parent-run-id ${NOBODY}`, 1, NOBODY],
  ['runs create --experiment-id 0 -t nothing', 2, 'nothing'],
  [`artifacts list --run-id ${NOBODY}`, 1, NOBODY],
  ['artifacts log-artifact --local-file nope --run-id RUN', 1, 'nope'],
  [`artifacts log-artifact --local-file file --run-id ${NOBODY}`, 1, NOBODY],
  ['artifacts log-artifacts --local-dir file --run-id RUN', 1, 'file'],
  ['artifacts download', 2, /./],
];

const REGISTRY_CASES: readonly (readonly [
  line: string,
  exitCode: number,
  told: string | RegExp,
])[] = [
  ['registered-models create m', 1, /m/],
  ['registered-models create', 2, /name/],
  ['registered-models get nope', 1, 'nope'],
  ['registered-models rename nope x', 1, 'nope'],
  ['registered-models update nope --description x', 1, 'nope'],
  ['registered-models delete nope', 1, 'nope'],
  ['registered-models set-alias m a 9', 1, /9/],
  ['registered-models set-tag nope k v', 1, 'nope'],
  ['registered-models search --filter foo=1', 1, 'foo'],
  ['model-versions get m 9', 1, /9/],
  ['model-versions get m one', 2, 'one'],
  ['model-versions get nope 1', 1, 'nope'],
  ['model-versions create nope --source s3://x/y', 1, 'nope'],
  ['model-versions transition-stage m 1 Nope', 2, 'Nope'],
  ['model-versions search --filter x=1', 1, '`x`'],
  ['model-versions update m 9 --description x', 1, /9/],
  ['model-versions set-tag m 9 k v', 1, /9/],
  ['model-versions delete m 9', 1, /9/],
  ['models promote m --version 9 --to Production', 1, /9/],
];

/** Words of a line; `RUN` is the store's run. */
function toWords(line: string, run: string): readonly string[] {
  return line.split(' ').map((word) => (word === 'RUN' ? run : word));
}

/** Everything that the store shows, to be compared before and after what must not change it. */
async function dump({ rig, uri, run }: Store): Promise<string> {
  const options = { env: { MLFLOW_TRACKING_URI: uri } };
  const verbs = [
    'experiments search --view all',
    'runs search --experiment-id 0 --view all -o json',
    'runs get RUN -o json',
  ];
  const shown: string[] = [];
  for (const verb of verbs) shown.push((await rig.mlts(toWords(verb, run), options)).stdout);
  return shown.join('\n');
}

describe.each(['SQLite', 'a folder', 'a server'])('wrong input with %s', (kind) => {
  test('is told in one line with its mend, and changes nothing', async () => {
    await using rig = createRig();
    const server = kind === 'a server' ? await startMlflowServer() : undefined;
    try {
      const uri = server?.uri ?? (kind === 'SQLite' ? 'sqlite:///store.db' : 'mlruns');
      const store = await fillStore(rig, uri);
      await rig.write({ file: 'x' });
      const options = { env: { MLFLOW_TRACKING_URI: uri } };
      if (kind !== 'a folder') {
        await rig.mlts(['registered-models', 'create', 'm'], options);
        await rig.mlts(['model-versions', 'create', 'm', '--source', 's3://x/y'], options);
      }
      const before = await dump(store);
      const cases = [...TRACKING_CASES, ...(kind === 'a folder' ? [] : REGISTRY_CASES)];
      const problems: string[] = [];
      for (const [line, exitCode, told] of cases) {
        const ended = await rig.mlts(toWords(line, store.run), options);
        try {
          expectClearError(ended, exitCode, told);
        } catch (error) {
          problems.push(`${line}\n${String(error)}\n${ended.stdout}${ended.stderr}`);
        }
      }
      expect(problems).toEqual([]);
      expect(await dump(store)).toBe(before);
    } finally {
      await server?.stop();
    }
  }, 300_000);
});

/** Verbs that only read, that may be sent twice, and that may not. */
const READS = [
  'experiments search',
  `runs get ${NOBODY}`,
  'registered-models search',
  'model-versions get m 1',
];
const REPEATABLE = [`runs log-metric ${NOBODY} m 1`, `runs set-tag ${NOBODY} k v`];
const ONCE = ['experiments create -n x', 'registered-models create m'];
const ALL = [...READS, ...REPEATABLE, ...ONCE];

interface Trouble {
  readonly answer: (response: ServerResponse) => void;
  readonly told: RegExp;
  /** Verbs that are tried again. */
  readonly retried: readonly string[];
  readonly reason?: string;
}

const WIRE_NAMES: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'RESOURCE_DOES_NOT_EXIST',
  409: 'RESOURCE_ALREADY_EXISTS',
};

/** Both as a proxy answers, in plain text, and as MLflow does. */
const refusals = Object.entries(WIRE_NAMES).flatMap(([status, code]): [string, Trouble][] => [
  [
    status,
    {
      answer: (response) => sendError(response, Number(status)),
      told: /answered \d+: no/,
      retried: [],
    },
  ],
  [
    `${status} ${code}`,
    {
      answer: (response) => sendError(response, Number(status), code),
      // Of a name that is taken we say more than the server does.
      told: /(no|named `x` already, maybe deleted)$/m,
      retried: [],
    },
  ],
]);

const failures = [
  [429, ALL],
  [503, ALL],
  [500, [...READS, ...REPEATABLE]],
  [502, [...READS, ...REPEATABLE]],
  [504, [...READS, ...REPEATABLE]],
] as const;

const TROUBLES: Readonly<Record<string, Trouble>> = {
  ...Object.fromEntries(refusals),
  ...Object.fromEntries(
    failures.map(([status, retried]): [string, Trouble] => [
      String(status),
      {
        answer: (response) => sendError(response, status),
        told: new RegExp(`answered ${status}`),
        retried,
        reason: `the server answered ${status}`,
      },
    ]),
  ),
  'closes at once': {
    answer: (response) => response.destroy(),
    told: /the connection broke/,
    retried: [...READS, ...REPEATABLE],
    reason: 'the connection broke',
  },
  'closes in the middle': {
    answer: breakOff,
    told: /the connection broke/,
    retried: [...READS, ...REPEATABLE],
    reason: 'the connection broke',
  },
  'shows a login page': {
    answer: (response) => response.end('<html><body>Log in</body></html>'),
    told: /answered with a web page: Log in/,
    retried: [],
  },
};

const HASTY = {
  MLFLOW_HTTP_REQUEST_MAX_RETRIES: '2',
  MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0',
  MLFLOW_HTTP_REQUEST_BACKOFF_JITTER: '0',
};

test.each(Object.entries(TROUBLES))('a server that answers: %s', async (_, trouble) => {
  await using rig = createRig();
  for (const verb of ALL) {
    await using server = await startFailingServer((_request, response) => trouble.answer(response));
    const env = { ...HASTY, MLFLOW_TRACKING_URI: server.uri };
    const ended = await rig.mlts(verb.split(' '), { env });
    expectClearError(ended, 1, trouble.told);
    const isRetried = trouble.retried.includes(verb);
    expect(server.asked.length, verb).toBe(isRetried ? 3 : 1);
    const retries = ended.stderr.split('\n').filter((line) => line.startsWith('retry '));
    const expected = isRetried
      ? [`retry 1 of 2: ${trouble.reason}`, `retry 2 of 2: ${trouble.reason}`]
      : [];
    expect(retries.map((line, index) => line.slice(0, expected[index]?.length))).toEqual(expected);
    const isInDoubt = ONCE.includes(verb) && trouble.reason !== undefined && !isRetried;
    expect(ended.stderr.includes('it may have been done all the same')).toBe(isInDoubt);
  }
});

test('a port on which nobody listens', async () => {
  await using rig = createRig();
  const uri = `http://ann:${PASSWORD}@127.0.0.1:${await findFreePort()}`;
  for (const verb of ALL) {
    const env = { ...HASTY, MLFLOW_TRACKING_URI: uri };
    const ended = await rig.mlts(verb.split(' '), { env });
    expectClearError(ended, 1, /127\.0\.0\.1:\d+.*: connection refused/);
    expect(ended.stderr).toContain('retry 2 of 2: connection refused');
  }
});

test('a database server on which nobody listens: the password is not shown', async () => {
  await using rig = createRig();
  const uri = `postgresql://ann:${PASSWORD}@127.0.0.1:${await findFreePort()}/mlflow`;
  for (const verb of ['experiments search', 'registered-models create m']) {
    const env = { MLFLOW_TRACKING_URI: uri };
    expectClearError(await rig.mlts(verb.split(' '), { env }), 1, /ECONNREFUSED/);
  }
});

describe('a wrong command line', () => {
  test.each([
    ['runs search --colour red', 'runs search'],
    ['runs link-traces --trace-id x', 'runs link-traces'],
    ['models predict -t pictures', 'models predict'],
    ['experiments find', 'experiments'],
    ['--env-file settings.env run . --colour red', 'run'],
    ['--colour red runs', undefined],
  ])('%s: its own help is named', async (line, verbs) => {
    await using rig = createRig();
    await rig.write({ 'settings.env': 'A=1' });
    const ended = await rig.mlts(line.split(' '));
    expect(ended.exitCode).toBe(2);
    const help = ['mlts', verbs, '--help'].filter(Boolean).join(' ');
    expect(ended.stderr).toContain(`\`${help}\` lists what there is`);
  });
});

describe('a SQLite file', () => {
  const WRITES = ['experiments create -n x', 'registered-models create m2'];
  const SQLITE = { env: { MLFLOW_TRACKING_URI: 'sqlite:///store.db' } };

  test('that another program holds for long is named', async () => {
    await using rig = createRig();
    await fillStore(rig, 'sqlite:///store.db');
    const other = new DatabaseSync(rig.path('store.db'));
    other.exec('begin immediate');
    const ended = await Promise.all(WRITES.map((verb) => rig.mlts(verb.split(' '), SQLITE)));
    other.exec('rollback');
    other.close();
    for (const one of ended)
      expectClearError(one, 1, `${rig.path('store.db')} is locked by another`);
    const found = await rig.mlts(['experiments', 'search', '-o', 'json'], SQLITE);
    expect(JSON.parse(found.stdout)).toHaveLength(1);
  });

  test('that another program holds for a moment is waited for', async () => {
    await using rig = createRig();
    await fillStore(rig, 'sqlite:///store.db');
    const other = new DatabaseSync(rig.path('store.db'));
    other.exec('begin immediate');
    const started = rig.start(['experiments', 'create', '-n', 'x'], SQLITE);
    setTimeout(() => other.exec('rollback'), 2_000);
    expect(await started.ended).toMatchObject({ exitCode: 0, stderr: '' });
    other.close();
  });

  test('that is cut off is called damaged, and not written to', async () => {
    await using rig = createRig();
    await fillStore(rig, 'sqlite:///store.db');
    await truncate(rig.path('store.db'), 100_000);
    const before = await readFile(rig.path('store.db'));
    for (const verb of [...WRITES, 'experiments search', 'runs search --experiment-id 0']) {
      expectClearError(
        await rig.mlts(verb.split(' '), SQLITE),
        1,
        /store\.db: the database is damaged/,
      );
    }
    expect(await readFile(rig.path('store.db'))).toEqual(before);
  });

  test('that is overwritten in the middle is called damaged', async () => {
    await using rig = createRig();
    await fillStore(rig, 'sqlite:///store.db');
    await using file = await open(rig.path('store.db'), 'r+');
    const { size } = await file.stat();
    for (let at = 4_096; at < size; at += 4_096)
      await file.write(Buffer.alloc(64, 0x5a), 0, 64, at);
    for (const verb of [...WRITES, 'experiments search']) {
      expectClearError(
        await rig.mlts(verb.split(' '), SQLITE),
        1,
        /store\.db: the database is damaged/,
      );
    }
  });

  test('that is something else is left alone', async () => {
    await using rig = createRig();
    await writeFile(rig.path('store.db'), 'my diary'.repeat(1_000));
    for (const verb of [...WRITES, 'experiments search']) {
      expectClearError(
        await rig.mlts(verb.split(' '), SQLITE),
        1,
        /the file is no SQLite database/,
      );
    }
    expect(await readFile(rig.path('store.db'), 'utf8')).toBe('my diary'.repeat(1_000));
  });
});

/** Fills what is left of a small disk but for `leftBytes`. */
async function fillDisk(path: string, leftBytes: number): Promise<void> {
  await using file = await open(`${path}/filler`, 'w');
  const block = Buffer.alloc(4_096);
  await (async () => {
    for (;;) await file.write(block);
  })().catch(() => {});
  const { size } = await file.stat();
  await file.truncate(Math.max(0, size - leftBytes));
}

describe.each([
  ['SQLite', (disk: string) => `sqlite:///${disk}/store.db`],
  ['a folder', (disk: string) => `${disk}/mlruns`],
])('a full disk with %s', (_, uriOn) => {
  test('is told, nothing is half written, and what was there is there', async ({ skip }) => {
    const reason = await whyNoSmallDisk();
    if (reason !== undefined) skip(reason);
    await using rig = createRig();
    await using disk = await mountSmallDisk(rig.path('disk'), 4_000);
    const store = await fillStore(rig, uriOn(disk.path));
    const before = await dump(store);
    await fillDisk(disk.path, 0);
    const options = { env: { MLFLOW_TRACKING_URI: store.uri } };
    const long = 'x'.repeat(5_900);
    const verbs = [
      ['experiments', 'create', '-n', 'x'],
      ['runs', 'log-param', store.run, 'long', long],
      ['runs', 'set-tag', store.run, 'long', long],
      ['runs', 'create', '--experiment-id', '0', '--description', long],
    ];
    for (const args of verbs) {
      const ended = await rig.mlts(args, options);
      expectClearError(ended, 1, /disk is full|no space left on the disk|disk failed/);
    }
    expect(await dump(store)).toBe(before);
  });
});

test('an artifact that does not fit on the disk leaves nothing under its name', async ({
  skip,
}) => {
  const reason = await whyNoSmallDisk();
  if (reason !== undefined) skip(reason);
  await using rig = createRig();
  await using disk = await mountSmallDisk(rig.path('disk'), 500);
  const store = await fillStore(rig, 'sqlite:///store.db');
  await writeFile(rig.path('large.bin'), Buffer.alloc(2_000_000, 1));
  const options = { env: { MLFLOW_TRACKING_URI: store.uri } };
  const upload = ['artifacts', 'log-artifact', '--local-file', 'large.bin', '--run-id', store.run];
  expect(await rig.mlts(upload, options)).toMatchObject({ exitCode: 0 });
  const download = [
    'artifacts',
    'download',
    '--run-id',
    store.run,
    '-a',
    'large.bin',
    '-d',
    disk.path,
  ];
  const ended = await rig.mlts(download, options);
  expectClearError(ended, 1, /no space left on the disk/);
  expect(await readdir(disk.path, { recursive: true })).toEqual([]);
});

test('an artifact that breaks off again and again leaves nothing under its name', async () => {
  await using rig = createRig();
  await using server = await startFailingServer((_request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half');
    setTimeout(() => response.destroy(), 10);
  });
  const ended = await rig.mlts([
    'artifacts',
    'download',
    '-u',
    `${server.uri}/model.bin`,
    '-d',
    'out',
  ]);
  expectClearError(ended, 1, /broke off after \d+ of 1000 bytes/);
  expect(await readdir(rig.path('out')).catch(() => [])).toEqual([]);
});

beforeAll(ensureMlflow);
