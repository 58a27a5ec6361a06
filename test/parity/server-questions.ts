/** One request to a tracking server. In `path` and `body`, `$run` and the like stand for ids of that server. */
export interface Question {
  readonly method: string;
  /** After `/api/2.0/mlflow/`. */
  readonly path: string;
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string;
  readonly contentType?: string | undefined;
  /** Keeps an id of the answer: the name, and where it is. */
  readonly keep?: readonly [name: string, path: string];
}

type Body = Readonly<Record<string, unknown>>;

/** What is asked first: it makes what the others ask for. */
export const PREPARATION: readonly Question[] = [
  post('experiments/create', { name: 'first' }, ['experiment', 'experiment_id']),
  post('experiments/create', { name: 'gone' }, ['gone', 'experiment_id']),
  post('experiments/delete', { experiment_id: '$gone' }),
  post(
    'runs/create',
    { experiment_id: '$experiment', start_time: 5, run_name: 'one', user_id: 'ann' },
    ['run', 'run.info.run_id'],
  ),
  post('runs/create', { experiment_id: '$experiment', run_name: 'two' }, [
    'deleted',
    'run.info.run_id',
  ]),
  post('runs/delete', { run_id: '$deleted' }),
  post('logged-models', { experiment_id: '$experiment', name: 'lm', source_run_id: '$run' }, [
    'model',
    'model.info.model_id',
  ]),
  post('registered-models/create', { name: 'rm', description: 'words' }),
  post('registered-models/create', { name: 'other' }),
  post('model-versions/create', { name: 'rm', source: 's3://bucket/one' }),
  post('model-versions/create', { name: 'rm', source: 'models:/rm/1', description: 'x' }),
  post('model-versions/create', { name: 'rm', source: 'models:/$model', model_id: '$model' }),
  post('registered-models/alias', { name: 'rm', alias: 'champion', version: '1' }),
];

export const METRIC = { key: 'm', value: 0.5, timestamp: 7, step: 1 };

/** Requests that succeed, with every field set; those that follow are made of them. */
export const BASES: readonly (readonly [method: string, path: string, body: Body])[] = [
  ['GET', 'experiments/get', { experiment_id: '$experiment' }],
  ['GET', 'experiments/get-by-name', { experiment_name: 'first' }],
  [
    'POST',
    'experiments/create',
    { name: 'made', artifact_location: 's3://b/x', tags: [{ key: 'a', value: 'b' }] },
  ],
  ['POST', 'experiments/update', { experiment_id: '$experiment', new_name: 'first' }],
  [
    'POST',
    'experiments/set-experiment-tag',
    { experiment_id: '$experiment', key: 'k', value: 'v' },
  ],
  [
    'POST',
    'experiments/search',
    { max_results: 3, filter: "name LIKE 'f%'", order_by: ['name'], view_type: 'ALL' },
  ],
  [
    'GET',
    'experiments/search',
    { max_results: 3, filter: "name LIKE 'f%'", order_by: ['name'], view_type: 'ALL' },
  ],
  [
    'POST',
    'runs/create',
    {
      experiment_id: '$experiment',
      user_id: 'ann',
      run_name: 'three',
      start_time: 6,
      tags: [{ key: 'a', value: 'b' }],
    },
  ],
  ['POST', 'runs/update', { run_id: '$run', status: 'FINISHED', end_time: 9, run_name: 'uno' }],
  ['POST', 'runs/log-metric', { run_id: '$run', ...METRIC }],
  ['POST', 'runs/log-parameter', { run_id: '$run', key: 'p', value: 'v' }],
  ['POST', 'runs/set-tag', { run_id: '$run', key: 't', value: 'v' }],
  [
    'POST',
    'runs/log-batch',
    {
      run_id: '$run',
      metrics: [METRIC],
      params: [{ key: 'q', value: '1' }],
      tags: [{ key: 'u', value: '2' }],
    },
  ],
  [
    'POST',
    'runs/log-inputs',
    {
      run_id: '$run',
      datasets: [
        {
          dataset: { name: 'd', digest: 'e', source_type: 's', source: 't' },
          tags: [{ key: 'k', value: 'v' }],
        },
      ],
    },
  ],
  ['POST', 'runs/outputs', { run_id: '$run', models: [{ model_id: '$model', step: 3 }] }],
  ['GET', 'runs/get', { run_id: '$run' }],
  [
    'POST',
    'runs/search',
    {
      experiment_ids: ['$experiment'],
      filter: "attributes.run_name = 'uno'",
      run_view_type: 'ALL',
      max_results: 2,
      order_by: ['metrics.m DESC'],
    },
  ],
  ['GET', 'metrics/get-history', { run_id: '$run', metric_key: 'm', max_results: 5 }],
  [
    'GET',
    'metrics/get-history-bulk-interval',
    { run_ids: '$run', metric_key: 'm', start_step: 0, end_step: 9, max_results: 5 },
  ],
  [
    'POST',
    'logged-models',
    {
      experiment_id: '$experiment',
      name: 'made',
      model_type: 'Agent',
      source_run_id: '$run',
      params: [{ key: 'a', value: 'b' }],
      tags: [{ key: 'c', value: 'd' }],
    },
  ],
  ['PATCH', 'logged-models/$model', { model_id: '$model', status: 'LOGGED_MODEL_READY' }],
  ['PATCH', 'logged-models/$model/tags', { tags: [{ key: 'a', value: 'b' }] }],
  [
    'POST',
    'logged-models/search',
    {
      experiment_ids: ['$experiment'],
      filter: "name = 'lm'",
      max_results: 4,
      order_by: [{ field_name: 'creation_timestamp', ascending: true }],
    },
  ],
  ['GET', 'registered-models/get', { name: 'rm' }],
  [
    'GET',
    'registered-models/search',
    { filter: "name LIKE 'r%'", max_results: 3, order_by: ['name ASC'] },
  ],
  [
    'POST',
    'registered-models/create',
    { name: 'made', description: 'w', tags: [{ key: 'a', value: 'b' }] },
  ],
  ['PATCH', 'registered-models/update', { name: 'rm', description: 'other words' }],
  ['POST', 'registered-models/set-tag', { name: 'rm', key: 'k', value: 'v' }],
  ['DELETE', 'registered-models/delete-tag', { name: 'rm', key: 'none' }],
  ['POST', 'registered-models/alias', { name: 'rm', alias: 'second', version: '2' }],
  ['GET', 'registered-models/alias', { name: 'rm', alias: 'champion' }],
  ['POST', 'registered-models/get-latest-versions', { name: 'rm', stages: ['None'] }],
  [
    'POST',
    'model-versions/create',
    {
      name: 'rm',
      source: 's3://b/c',
      run_id: '$run',
      tags: [{ key: 'a', value: 'b' }],
      run_link: 'l',
      description: 'd',
    },
  ],
  ['GET', 'model-versions/get', { name: 'rm', version: '1' }],
  [
    'GET',
    'model-versions/search',
    { filter: "name = 'rm'", max_results: 3, order_by: ['version_number ASC'] },
  ],
  ['GET', 'model-versions/get-download-uri', { name: 'rm', version: '2' }],
  ['PATCH', 'model-versions/update', { name: 'rm', version: '1', description: 'd' }],
  [
    'POST',
    'model-versions/transition-stage',
    { name: 'rm', version: '1', stage: 'Staging', archive_existing_versions: true },
  ],
  ['POST', 'model-versions/set-tag', { name: 'rm', version: '1', key: 'k', value: 'v' }],
];

export const LONG = 'x'.repeat(300);
const HOSTILE_VALUES: readonly unknown[] = [
  '',
  null,
  0,
  1.5,
  '7',
  true,
  [],
  {},
  [1],
  ['a'],
  [{ key: 'a' }],
  "'; drop table runs; --",
  '../../etc/passwd',
  LONG,
  'nul\u0000byte',
  '$none',
];

/** Requests that succeed. */
export function listPlainQuestions(): readonly Question[] {
  return BASES.map(([method, path, body]) => ask(method, path, body));
}

/** Each request as it is, without each of its fields, and with each field replaced by what it should not be. */
export function* listQuestions(): Generator<Question> {
  for (const [method, path, body] of BASES) {
    yield ask(method, path, body);
    for (const name of Object.keys(body)) {
      const { [name]: _, ...rest } = body;
      yield ask(method, path, rest);
      for (const value of HOSTILE_VALUES) {
        if (isJunk(body[name], value)) continue;
        yield ask(method, path, { ...body, [name]: value });
      }
    }
    if (method === 'GET') continue;
    for (const raw of ['', '{', 'null', '""', '[]', JSON.stringify(JSON.stringify(body))]) {
      yield { method, path, raw };
    }
  }
}

/** In place of messages MLflow stores rows without names, and fails at them later; mlts refuses. */
function isJunk(usual: unknown, value: unknown): boolean {
  const isOfMessages = Array.isArray(usual) && typeof usual[0] === 'object';
  return isOfMessages && Array.isArray(value) && value.length > 0;
}

function ask(method: string, path: string, body: Body): Question {
  if (method !== 'GET') return { method, path, body };
  const query = Object.entries(body).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(
      (item) =>
        `${name}=${encodeDollar(typeof item === 'object' ? JSON.stringify(item) : String(item))}`,
    ),
  );
  return { method, path: query.length === 0 ? path : `${path}?${query.join('&')}` };
}

/** `$run` is replaced later. */
function encodeDollar(text: string): string {
  return encodeURIComponent(text).replaceAll('%24', '$');
}

export function post(path: string, body: Body, keep?: Question['keep']): Question {
  return { method: 'POST', path, body, ...(keep === undefined ? {} : { keep }) };
}
