import { join } from 'node:path';
import { InvalidInput, NotFound } from '../core/errors.ts';
import { readTextFile } from '../host/text-file.ts';
import { type ParamSpec, parseParamSchema, parseSchema, type Schema } from './schema.ts';

/** The file that makes a folder a model (`mlflow/models/model.py`). */
export const MLMODEL_FILE = 'MLmodel';
/** Far more than signatures take, also those with thousands of columns. */
const LARGEST_FILE_BYTES = 16 * 1024 * 1024;

/** A part of an MLmodel file, as written. */
export type Written = Readonly<Record<string, unknown>>;

/** What a model takes and gives; a part is undefined where the model does not say. */
export interface Signature {
  readonly inputs: Schema | undefined;
  readonly outputs: Schema | undefined;
  readonly params: readonly ParamSpec[] | undefined;
  /** Read off the type hints of a custom model's `predict` (MLflow 2.20). */
  readonly isFromTypeHint: boolean;
}

/** An MLmodel file, checked as far as mlts uses it. */
export interface Mlmodel {
  /** By their names, each with what it was saved with. */
  readonly flavors: ReadonlyMap<string, Written>;
  readonly signature: Signature | undefined;
  /** The MLflow that saved it. */
  readonly mlflowVersion: string | undefined;
  readonly modelUuid: string | undefined;
  /** Since MLflow 3. */
  readonly modelId: string | undefined;
  readonly runId: string | undefined;
  readonly createdAt: string | undefined;
  /** Of all files, as MLflow counted them. */
  readonly sizeBytes: number | undefined;
  readonly metadata: Written | undefined;
  readonly inputExample: Written | undefined;
}

/**
 * Reads the MLmodel file of a model's folder (`Model.load`).
 *
 * @throws NotFound where the folder has none, InvalidInput for one that cannot be read.
 */
export async function readMlmodel(folder: string): Promise<Mlmodel> {
  const path = join(folder, MLMODEL_FILE);
  const text = await readTextFile(path, LARGEST_FILE_BYTES).catch((cause: unknown) => {
    if (!(cause instanceof NotFound)) throw cause;
    throw new NotFound(`${folder} is no model: it has no file ${MLMODEL_FILE}`, {
      hint: 'name the folder that `log_model` or `save_model` of MLflow made',
      cause,
    });
  });
  return parseMlmodel(text, path);
}

/** As `readMlmodel`, from the file's text; `path` is for messages. */
export async function parseMlmodel(text: string, path: string): Promise<Mlmodel> {
  const file = await parseMapping(text, path);
  const { flavors } = file;
  if (!isMapping(flavors)) throw damaged(path, 'it has no `flavors`');
  return {
    flavors: new Map(
      Object.entries(flavors).map(([name, flavor]) => [name, isMapping(flavor) ? flavor : {}]),
    ),
    signature: readSignature(file),
    mlflowVersion: readText(file.mlflow_version),
    modelUuid: readText(file.model_uuid),
    modelId: readText(file.model_id),
    runId: readText(file.run_id),
    createdAt: readText(file.utc_time_created),
    sizeBytes: typeof file.model_size_bytes === 'number' ? file.model_size_bytes : undefined,
    metadata: isMapping(file.metadata) ? file.metadata : undefined,
    inputExample: isMapping(file.saved_input_example_info)
      ? file.saved_input_example_info
      : undefined,
  };
}

async function parseMapping(text: string, path: string): Promise<Written> {
  const { parse } = await import('yaml');
  let file: unknown;
  try {
    file = parse(text, { version: '1.1' });
  } catch (error) {
    throw damaged(path, `it is not valid YAML: ${String((error as Error).message).split('\n')[0]}`);
  }
  if (isMapping(file)) return file;
  throw damaged(path, 'it holds no YAML mapping');
}

function readSignature({ signature, ...file }: Written): Signature | undefined {
  if (!isMapping(signature)) return undefined;
  const { inputs, outputs, params } = signature;
  return {
    inputs: typeof inputs === 'string' ? parseSchema(inputs) : undefined,
    outputs: typeof outputs === 'string' ? parseSchema(outputs) : undefined,
    params: typeof params === 'string' ? parseParamSchema(params) : undefined,
    isFromTypeHint: file.is_signature_from_type_hint === true,
  };
}

/** Versions and ids that YAML takes for numbers are texts all the same. */
function readText(value: unknown): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : String(value);
}

function isMapping(value: unknown): value is Written {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function damaged(path: string, why: string): InvalidInput {
  return new InvalidInput(`${path} is no MLmodel file: ${why}`, {
    hint: 'save the model again, or mend the file by hand',
  });
}
