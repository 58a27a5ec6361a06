import { InvalidInput } from '../core/errors.ts';
import { dumpPythonJson, type PythonJson, parseJsonList } from '../core/python-json.ts';
import type { TrackingStore } from '../tracking/store.ts';

/** The tag in which clients before MLflow 3 keep the models of a run. */
const HISTORY_TAG = 'mlflow.log-model.history';
const REQUIRED = ['artifact_path', 'flavors', 'utc_time_created', 'run_id'];
/** In the order in which Python writes them. */
const KEPT = ['run_id', 'artifact_path', 'utc_time_created', 'model_uuid'];
/** What a tag holds; a cut list could not be read. */
const LONGEST = 8_000;

/**
 * Adds a model to the list in a run's tag (`mlflow/store/tracking/sqlalchemy_store.py`, `record_logged_model`).
 *
 * @throws InvalidInput for what is no model, and where the list would be too long.
 */
export async function appendModel(
  tracking: TrackingStore,
  runId: string,
  json: string,
): Promise<void> {
  const model = describe(parseModel(json));
  const { tags } = await tracking.getRun(runId);
  const old = tags.find(({ key }) => key === HISTORY_TAG)?.value;
  const value = dump([...parseJsonList(old ?? '[]'), model]);
  if (value.length > LONGEST) {
    throw new InvalidInput(`run ${runId} has more models than its tag ${HISTORY_TAG} can hold`);
  }
  await tracking.logBatch(runId, { tags: [{ key: HISTORY_TAG, value }] });
}

type Json = Readonly<Record<string, PythonJson>>;

function parseModel(text: string): Json {
  let model: unknown;
  try {
    model = JSON.parse(text);
  } catch (cause) {
    throw new InvalidInput('`model_json` is no JSON', { cause });
  }
  if (typeof model !== 'object' || model === null) {
    throw new InvalidInput('`model_json` is no JSON object');
  }
  const missing = REQUIRED.filter((name) => !Object.hasOwn(model, name));
  if (missing.length > 0) throw new InvalidInput(`\`model_json\` lacks ${missing.join(', ')}`);
  return model as Json;
}

function dump(models: readonly PythonJson[]): string {
  try {
    return dumpPythonJson(models);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new InvalidInput('`model_json` holds too many lists or objects within each other', {
      cause,
    });
  }
}

/** Settings of flavors stay in the MLmodel file. */
function describe(model: Json): Json {
  const kept = KEPT.flatMap((name) => (Object.hasOwn(model, name) ? [[name, model[name]]] : []));
  const flavors = Object.entries((model.flavors ?? {}) as Json).map(([name, flavor]) => {
    if (typeof flavor !== 'object' || flavor === null) return [name, flavor];
    const { config: _, ...rest } = flavor as Json;
    return [name, rest];
  });
  return Object.fromEntries([...kept, ['flavors', Object.fromEntries(flavors)]]);
}
