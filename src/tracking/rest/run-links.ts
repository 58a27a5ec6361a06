import type { DatasetInput, RunLinks } from '../../core/entities.ts';
import { readList, readTag, readText, type Wire } from '../../host/http/mlflow-message.ts';

/** `inputs` and `outputs` of a run as the server sends it. */
export function readRunLinks(run: Wire): RunLinks {
  const inputs = (run.inputs ?? {}) as Wire;
  const outputs = (run.outputs ?? {}) as Wire;
  return {
    datasetInputs: readList(inputs.dataset_inputs).map(readDatasetInput),
    modelInputs: readList(inputs.model_inputs).map((model) => readText(model.model_id)),
    modelOutputs: readList(outputs.model_outputs).map((model) => ({
      modelId: readText(model.model_id),
      step: Number(model.step ?? 0),
    })),
  };
}

function readDatasetInput(input: Wire): DatasetInput {
  const dataset = (input.dataset ?? {}) as Wire;
  return {
    dataset: {
      name: readText(dataset.name),
      digest: readText(dataset.digest),
      sourceType: readText(dataset.source_type),
      source: readText(dataset.source),
      schema: readText(dataset.schema) || undefined,
      profile: readText(dataset.profile) || undefined,
    },
    tags: readList(input.tags).map(readTag),
  };
}
