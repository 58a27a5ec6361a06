import { post, type Question } from './server-questions.ts';

/** Lists of more than one page, whose tokens are part of what is compared. */
export function* listPages(): Generator<Question> {
  for (const name of ['second', 'third', 'größe']) {
    yield post('logged-models', { experiment_id: '$experiment', name });
    yield post('runs/create', { experiment_id: '$experiment', run_name: name });
  }
  yield* ofLoggedModels();
  for (const path of ['runs/search', 'experiments/search']) {
    const search = { experiment_ids: ['$experiment'], max_results: 2, order_by: ['name DESC'] };
    yield post(path, search, ['page', 'next_page_token']);
    yield post(path, { ...search, page_token: '$page' });
  }
  for (const path of ['registered-models/search', 'model-versions/search']) {
    yield { method: 'GET', path: `${path}?max_results=1`, keep: ['page', 'next_page_token'] };
    yield { method: 'GET', path: `${path}?max_results=1&page_token=$page` };
  }
}

/** A page of another search is refused. */
function* ofLoggedModels(): Generator<Question> {
  const order_by = [
    { field_name: 'name', ascending: false, dataset_name: 'größe' },
    { field_name: 'metrics.loss' },
  ];
  for (const search of [{ order_by }, { order_by: order_by.slice(0, 1) }, {}]) {
    const filter = "name IN ('second', 'third', 'größe')";
    const first = { experiment_ids: ['$experiment'], filter, max_results: 1, ...search };
    yield post('logged-models/search', first, ['page', 'next_page_token']);
    const next = { ...first, page_token: '$page' };
    yield post('logged-models/search', { ...next, max_results: 2 });
    yield post('logged-models/search', { ...next, experiment_ids: ['0'] });
    yield post('logged-models/search', { ...next, experiment_ids: ['$experiment', '0'] });
    yield post('logged-models/search', { ...next, filter: "name = 'x'" });
    yield post('logged-models/search', { ...next, order_by: order_by.slice(1) });
    yield post('logged-models/search', { ...next, order_by: [] });
    yield post('logged-models/search', { ...next, filter: '' });
    yield post('logged-models/search', { ...next, datasets: [{ dataset_name: 'd' }] });
  }
  for (const token of ['{"offset": 1}', '{"experiment_ids": ["1"], "offset": 1}', '[]', '{']) {
    const page_token = Buffer.from(token).toString('base64');
    yield post('logged-models/search', { experiment_ids: ['$experiment'], page_token });
  }
}

/** The list of models that clients before MLflow 3 keep in a tag of the run, and that of versions in a tag of the model. */
export function* listTagLists(): Generator<Question> {
  const model = {
    flavors: { sklearn: { größe: '😀', config: { secret: 1 }, code: null }, other: 'x' },
    utc_time_created: '2024-01-01 00:00:00.000000',
    artifact_path: 'größe/model',
    run_id: '$run',
    model_uuid: 'abc',
    signature: { inputs: '[{"name": "x", "type": "double"}]' },
  };
  const { artifact_path: _, ...pathless } = model;
  const sents = [model, { ...model, model_uuid: 'def', flavors: {} }, pathless, [], 5];
  const deep = JSON.stringify(model).replace('null', '['.repeat(20_000) + ']'.repeat(20_000));
  for (const model_json of [...sents.map((sent) => JSON.stringify(sent)), deep]) {
    yield post('runs/log-model', { run_id: '$run', model_json });
    yield { method: 'GET', path: 'runs/get?run_id=$run' };
  }
  yield post('registered-models/create', { name: 'größe' });
  const version = { name: 'größe', source: 'models:/$model', model_id: '$model' };
  yield post('model-versions/create', version);
  yield post('model-versions/create', version);
  yield { method: 'GET', path: 'logged-models/$model' };
}
