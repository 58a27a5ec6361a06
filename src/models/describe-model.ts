import { join } from 'node:path';
import { walkFolder } from '../host/source-tree.ts';
import { readTextFile } from '../host/text-file.ts';
import { nameEnvironmentFiles } from './environment-source.ts';
import type { LocalModel } from './local-model.ts';
import type { Written } from './mlmodel.ts';
import { readModelRequirements } from './model-requirements.ts';
import type { Schema } from './schema.ts';
import { showParam, showSpec } from './show-schema.ts';

/** What a model takes or gives, a row each. `name` is null where only its place counts. */
export interface DescribedField {
  readonly name: string | null;
  readonly type: string;
  readonly required: boolean;
}

export interface DescribedParam {
  readonly name: string;
  readonly type: string;
  readonly default: unknown;
}

export interface DescribedFile {
  readonly path: string;
  readonly size_bytes: number;
}

/** A model for people and scripts; names as in MLmodel files and the REST API. */
export interface ModelDescription {
  readonly model_uri: string;
  readonly folder: string;
  readonly registered_model: { readonly name: string; readonly version: string } | null;
  readonly model_id: string | null;
  readonly model_uuid: string | null;
  readonly run_id: string | null;
  readonly utc_time_created: string | null;
  readonly mlflow_version: string | null;
  readonly python_version: string | null;
  readonly flavors: Readonly<Record<string, Written>>;
  /** Null where the model does not say. */
  readonly inputs: readonly DescribedField[] | null;
  readonly outputs: readonly DescribedField[] | null;
  readonly params: readonly DescribedParam[];
  readonly requirements: readonly string[];
  readonly input_example: Written | null;
  readonly metadata: Written | null;
  readonly size_bytes: number;
  readonly files: readonly DescribedFile[];
}

/** Reads all that the files of a model tell; its code is not run. */
export async function describeModel(model: LocalModel): Promise<ModelDescription> {
  const { uri, folder, file, registered } = model;
  const files = (await walkFolder(folder))
    .filter(({ kind }) => kind === 'file')
    .map(({ path, sizeBytes }) => ({ path, size_bytes: sizeBytes }));
  return {
    model_uri: uri,
    folder,
    registered_model: registered ?? null,
    model_id: file.modelId ?? null,
    model_uuid: file.modelUuid ?? null,
    run_id: file.runId ?? null,
    utc_time_created: file.createdAt ?? null,
    mlflow_version: file.mlflowVersion ?? null,
    python_version: await readPythonVersion(model),
    flavors: Object.fromEntries(file.flavors),
    inputs: describeSchema(file.signature?.inputs),
    outputs: describeSchema(file.signature?.outputs),
    params: (file.signature?.params ?? []).map((param) => ({
      name: param.name,
      type: showParam(param),
      default: param.defaultValue,
    })),
    requirements: await readModelRequirements(model),
    input_example: file.inputExample ?? null,
    metadata: file.metadata ?? null,
    size_bytes: files.reduce((sum, { size_bytes }) => sum + size_bytes, 0),
    files,
  };
}

function describeSchema(schema: Schema | undefined): readonly DescribedField[] | null {
  if (schema === undefined) return null;
  return schema.map((spec) => ({
    name: spec.name ?? null,
    type: showSpec(spec),
    required: spec.kind === 'tensor' || spec.isRequired,
  }));
}

/** The one that it was saved with, else the one that its environment asks for. */
async function readPythonVersion({ folder, file }: LocalModel): Promise<string | null> {
  const pyfunc = file.flavors.get('python_function');
  if (pyfunc === undefined) return null;
  if (typeof pyfunc.python_version === 'string') return pyfunc.python_version;
  const path = join(folder, nameEnvironmentFiles(pyfunc).virtualenv);
  const text = await readTextFile(path, 1_000_000).catch(() => '');
  return /^python:\s*["']?([\d.]+)/m.exec(text)?.[1] ?? null;
}
