import type { Metric, Run, RunLinks } from '../../core/entities.ts';

/** A run as MLflow's REST API writes it (`mlflow.Run` in `service.proto`). */
export function toRunJson(run: Run): Readonly<Record<string, unknown>> {
  const { info, params, tags } = run;
  return {
    info: {
      run_id: info.id,
      run_name: info.name,
      experiment_id: info.experimentId,
      user_id: info.userId,
      status: info.status,
      start_time: info.startTimeMs,
      end_time: info.endTimeMs,
      artifact_uri: info.artifactUri,
      lifecycle_stage: info.lifecycleStage,
    },
    data: { metrics: run.metrics.map(toMetricJson), params, tags },
  };
}

/** With the datasets and models that went into it and came out of it. */
export function toLinkedRunJson(run: Run, links: RunLinks): Readonly<Record<string, unknown>> {
  const datasets = links.datasetInputs.map(({ dataset: { sourceType, ...dataset }, tags }) => ({
    tags,
    dataset: { ...dataset, source_type: sourceType },
  }));
  return {
    ...toRunJson(run),
    inputs: {
      dataset_inputs: datasets,
      model_inputs: links.modelInputs.map((id) => ({ model_id: id })),
    },
    outputs: {
      model_outputs: links.modelOutputs.map(({ modelId, step }) => ({ model_id: modelId, step })),
    },
  };
}

/** JSON has no NaN and no infinities: MLflow's REST API writes them as texts. */
function toMetricJson({ key, value, timestampMs, step }: Metric) {
  const written = Number.isFinite(value) ? value : String(value);
  return { key, value: written, timestamp: timestampMs, step };
}
