import { LONG, METRIC, post, type Question } from './server-questions.ts';

/** What a hostile tester would ask. */
export function* listOddities(): Generator<Question> {
  yield* listRunOddities();
  yield* listExperimentOddities();
  yield* listRegistryOddities();
  yield* listModelOddities();
  yield* listAddressOddities();
}

function* listRunOddities(): Generator<Question> {
  for (const value of ['NaN', 'Infinity', '-Infinity', 'nan', '1e3', '1e999', ' 1 ']) {
    yield post('runs/log-metric', {
      run_id: '$run',
      key: `v ${value.trim()}`,
      value,
      timestamp: 1,
    });
  }
  for (const step of ['12', '-3', 1.0, 2 ** 40, '1.5', -1]) {
    yield post('runs/log-metric', { run_id: '$run', key: 's', value: 1, timestamp: 1, step });
  }
  for (const metrics of [1_000, 1_001]) {
    const list = Array.from({ length: metrics }, (_, step) => ({ ...METRIC, key: 'many', step }));
    yield post('runs/log-batch', { run_id: '$run', metrics: list });
  }
  for (const count of [100, 101]) {
    const tags = Array.from({ length: count }, (_, index) => ({ key: `t${index}`, value: 'v' }));
    yield post('runs/log-batch', { run_id: '$run', tags });
    yield post('runs/log-batch', { run_id: '$run', params: tags });
  }
  yield post('runs/log-batch', { runId: '$run', metrics: [METRIC] });
  yield post('runs/log-batch', { runId: '$run', run_id: '$run', metrics: [METRIC] });
  yield post('runs/log-parameter', { run_uuid: '$run', key: 'old', value: 'client' });
  yield post('runs/log-parameter', { run_id: '$run', key: 'old', value: 'other' });
  yield post('runs/log-parameter', { run_id: '$run', key: 'long', value: 'x'.repeat(7_000) });
  yield post('runs/log-metric', { run_id: '$deleted', ...METRIC });
  yield post('runs/create', { experiment_id: '$gone' });
  yield post('runs/create', {
    experiment_id: '$experiment',
    run_name: 'a',
    tags: [{ key: 'mlflow.runName', value: 'b' }],
  });
  yield post('runs/delete-tag', { run_id: '$run', key: 'none' });
  for (const value of ['0x1', '1_000', '1e400', '.5', '+5', '']) {
    yield post('runs/log-metric', { run_id: '$run', key: `w ${value}`, value, timestamp: 1 });
  }
  for (const whole of [1_732_000_000_000_000_000, '9007199254740993', '5.0', '1e3', '1.5', ' 1']) {
    yield post('runs/log-metric', { run_id: '$run', key: 'ns', value: 1, timestamp: whole });
    yield post('runs/log-metric', {
      run_id: '$run',
      key: 'n',
      value: 1,
      timestamp: 1,
      step: whole,
    });
    yield post('runs/create', {
      experiment_id: '$experiment',
      start_time: whole,
      run_name: `ns ${whole}`,
    });
    yield post('runs/update', { run_id: '$run', end_time: whole });
    yield { method: 'GET', path: 'runs/get?run_id=$run' };
  }
  yield { method: 'GET', path: 'metrics/get-history?run_id=$run&metric_key=ns' };
  yield { method: 'GET', path: 'metrics/get-history?run_id=$run&metric_key=n' };
  yield post('runs/update', { run_id: '$run', end_time: 9 });
  for (const half of [{ dataset_name: 'd' }, { dataset_digest: 'e' }]) {
    yield post('runs/log-metric', { run_id: '$run', ...METRIC, ...half });
    yield post('runs/log-batch', { run_id: '$run', metrics: [{ ...METRIC, ...half }] });
  }
  const twice = { key: 'twice', value: '1' };
  yield post('runs/log-batch', { run_id: '$run', params: [twice, twice] });
  yield post('runs/log-batch', { run_id: '$run', tags: [twice, { ...twice, value: '2' }] });
  yield post('runs/set-tag', { run_id: '$run', key: 'mlflow.runName', value: '' });
  yield { method: 'GET', path: 'runs/get?run_id=$run' };
  for (const run_id of ['a/b', '../x', ' ', 'é', 'x'.repeat(257), 'a\u0000']) {
    for (const verb of ['delete', 'restore', 'delete-tag', 'set-tag']) {
      yield post(`runs/${verb}`, { run_id, key: 'a', value: 'b' });
    }
  }
  for (const key of ['a/../b', '/a', 'a|b', LONG]) {
    yield post('runs/delete-tag', { run_id: '$run', key });
  }
  for (const run_view_type of ['7', '3', 'all', 7]) {
    yield post('runs/search', {
      experiment_ids: ['$experiment'],
      filter: "attributes.run_name = 'two'",
      run_view_type,
      max_results: 1,
    });
  }
}

function* listExperimentOddities(): Generator<Question> {
  yield post('experiments/create', { name: 'first' });
  yield post('experiments/create', { name: 'gone' });
  yield post('experiments/update', { experiment_id: '$gone', new_name: 'back' });
  yield post('experiments/delete', { experiment_id: '$gone' });
  yield post('experiments/restore', { experiment_id: '$experiment' });
  yield post('experiments/delete-experiment-tag', { experiment_id: '$experiment', key: 'none' });
  for (const location of [
    'runs:/x',
    's3://b/x#y',
    's3://b/x?y=../z',
    'ftp://host/x',
    'x'.repeat(3_000),
  ]) {
    yield post('experiments/create', {
      name: `at ${location.slice(0, 20)}`,
      artifact_location: location,
    });
  }
  for (const experiment_id of ['-1', ' 1', '+1', '-0', '1.0', '9223372036854775808']) {
    yield {
      method: 'GET',
      path: `experiments/get?experiment_id=${encodeURIComponent(experiment_id)}`,
    };
    yield post('runs/search', { experiment_ids: [experiment_id], max_results: 1 });
    yield post('experiments/restore', { experiment_id });
  }
  for (const order_by of [
    ['name', 'name DESC'],
    ['name DESC', 'name'],
  ]) {
    yield post('experiments/search', { max_results: 9, order_by, view_type: 'ALL' });
  }
  yield post('experiments/search', { max_results: 1, page_token: 5 });
  yield post('experiments/search', { view_type: '7', max_results: 2 });
  for (const max_results of ['5.0', '1e1', '5.5', ' 5']) {
    yield post('experiments/search', { max_results, order_by: ['name'] });
  }
  yield post('experiments/create', { name: 'null in tags', tags: [null] });
}

function* listRegistryOddities(): Generator<Question> {
  yield post('registered-models/create', { name: 'rm' });
  yield post('registered-models/rename', { name: 'rm', new_name: 'other' });
  yield post('registered-models/rename', { name: 'nobody', new_name: 'x' });
  for (const source of [
    '/etc/passwd',
    'file:///etc/passwd',
    's3://b/../c',
    's3://b/%2e%2e/c',
    's3://b/%252e%252e/c',
    'mlflow-artifacts:/1/x',
    'http://h/api/2.0/mlflow-artifacts/artifacts/x',
    'runs:/$run/model',
    'models:/nobody/1',
    'models:/rm/9',
    'models:/rm@champion',
    'models:/rm',
    'models:/',
    'ftp://host/x',
    'relative/path',
    'models:/rm/Staging',
    'http://host/x',
    's3://b/c?x=../d',
  ]) {
    yield post('model-versions/create', { name: 'rm', source });
    yield post('model-versions/create', { name: 'rm', source, run_id: '$run' });
  }
  for (const alias of ['latest', 'v1', 'a b', LONG]) {
    yield post('registered-models/alias', { name: 'rm', alias, version: '1' });
  }
  for (const source of [
    's3://b',
    'other://x',
    'data:x',
    'models:/rm@nobody',
    'dbfs:/x',
    'gs://b/',
  ]) {
    yield post('model-versions/create', { name: 'rm', source });
  }
  for (const tags of [[null], [{ key: 'a', value: '1' }, null]]) {
    yield post('registered-models/create', { name: `null in ${tags.length} tags`, tags });
  }
  for (const alias of ['latest', 'LATEST', 'nobody']) {
    yield { method: 'GET', path: `registered-models/alias?name=other&alias=${alias}` };
    yield { method: 'GET', path: `registered-models/alias?name=rm&alias=${alias}` };
  }
  for (const version of ['2147483648', '9007199254740993', '-1', '0', ' 1']) {
    yield { method: 'GET', path: `model-versions/get?name=rm&version=${version}` };
  }
  for (const filter of ["run_id = ''", "run_id != 'x'", "run_id LIKE '%'", "run_id NOT IN ('x')"]) {
    yield {
      method: 'GET',
      path: `model-versions/search?order_by=version_number&filter=${encodeURIComponent(`name = 'rm' AND ${filter}`)}`,
    };
  }
}

/** Ids that nobody can have, and more than one page can hold. */
function* listModelOddities(): Generator<Question> {
  for (const id of ['%20', '%C3%A9', 'x'.repeat(300)]) {
    yield { method: 'GET', path: `logged-models/${id}` };
    yield { method: 'DELETE', path: `logged-models/${id}` };
    yield post(`logged-models/${id}/params`, { params: [{ key: 'a', value: 'b' }] });
  }
  for (const datasets of [[{}], [{ dataset_digest: 'e' }], [{ dataset_name: '' }], []]) {
    yield post('logged-models/search', {
      experiment_ids: ['$experiment'],
      datasets,
      max_results: 1,
    });
  }
  for (const max_results of [50_001, '5.0', '7']) {
    yield post('logged-models/search', { experiment_ids: ['$experiment'], max_results });
  }
}

function* listAddressOddities(): Generator<Question> {
  for (const contentType of ['text/plain', 'application/json; charset=utf-8', undefined]) {
    yield { ...post('runs/search', { experiment_ids: ['0'] }), contentType };
  }
  for (const path of [
    'runs/get',
    'runs/get?run_id=none',
    'runs/get?run_uuid=$run',
    'runs/get?run_id=$run&run_id=x',
    'logged-models/$model',
    'logged-models/none',
    'logged-models/m-none?allow_deleted=true',
    'metrics/get-history?run_id=$run&metric_key=many&max_results=2',
    'metrics/get-history?run_id=$run&metric_key=none',
    'metrics/get-history?run_id=none&metric_key=m',
    'registered-models/get-latest-versions?name=rm&stages=None&stages=Staging',
    'traces',
    'webhooks',
    'model-versions/search?filter=name%3D%27rm%27&max_results=0',
    'experiments/search?max_results=-1',
    'registered-models/search?max_results=1001',
    'experiments/search?page_token=nonsense',
  ]) {
    yield { method: 'GET', path };
  }
  for (const [method, path] of [
    ['DELETE', 'runs/get'],
    ['GET', 'runs/create'],
    ['PUT', 'runs/search'],
  ] as const) {
    yield { method, path };
  }
}
