import type { DatasetInput, Run, RunLinks, Tag } from '../../core/entities.ts';
import { formatPythonJson, PythonFloat, type PythonJson } from '../../core/python-json.ts';

/** `Run.to_dictionary()` as `json.dumps` writes it (`mlflow/entities/run.py`). */
export function renderDescription(run: Run, links: RunLinks): string {
  const { info } = run;
  const metrics = run.metrics.map(({ key, value }) => [key, new PythonFloat(value)] as const);
  const description: PythonJson = {
    info: {
      artifact_uri: info.artifactUri,
      end_time: info.endTimeMs ?? null,
      experiment_id: info.experimentId,
      lifecycle_stage: info.lifecycleStage,
      run_id: info.id,
      run_name: info.name,
      start_time: info.startTimeMs ?? null,
      status: info.status,
      user_id: info.userId,
    },
    data: {
      metrics: Object.fromEntries(metrics),
      params: toDictionary(run.params),
      tags: toDictionary(run.tags),
    },
    inputs: {
      model_inputs: links.modelInputs.map((id) => ({ model_id: id })),
      dataset_inputs: links.datasetInputs.map(toDatasetInput),
    },
    outputs: {
      model_outputs: links.modelOutputs.map(({ modelId, step }) => ({ model_id: modelId, step })),
    },
  };
  return formatPythonJson(description, 4);
}

function toDatasetInput({ dataset, tags }: DatasetInput): PythonJson {
  return {
    dataset: {
      name: dataset.name,
      digest: dataset.digest,
      source_type: dataset.sourceType,
      source: dataset.source,
      schema: dataset.schema ?? null,
      profile: dataset.profile ?? null,
    },
    tags: toDictionary(tags),
  };
}

function toDictionary(values: readonly Tag[]): Readonly<Record<string, string>> {
  return Object.fromEntries(values.map(({ key, value }) => [key, value]));
}
