import type {
  Experiment,
  ModelOutput,
  Run,
  RunInfo,
  RunInputs,
  RunLinks,
  Tag,
} from '../core/entities.ts';
import { writeMetric } from '../tracking/wire.ts';
import type { Wire } from './endpoint.ts';

/** Entities as MLflow's API sends them: what is not set is not sent, and no more is an empty list. */
export function writeExperiment(experiment: Experiment): Wire {
  const { id, name, artifactLocation, lifecycleStage, tags } = experiment;
  return {
    experiment_id: id,
    name,
    artifact_location: artifactLocation,
    lifecycle_stage: lifecycleStage,
    ...(experiment.lastUpdateTimeMs ? { last_update_time: experiment.lastUpdateTimeMs } : {}),
    ...(experiment.creationTimeMs ? { creation_time: experiment.creationTimeMs } : {}),
    ...writeList('tags', tags, writePair),
    workspace: 'default',
  };
}

export function writeRunInfo(info: RunInfo): Wire {
  return {
    run_uuid: info.id,
    experiment_id: info.experimentId,
    run_name: info.name,
    user_id: info.userId,
    status: info.status,
    ...(info.startTimeMs === undefined ? {} : { start_time: info.startTimeMs }),
    ...(info.endTimeMs ? { end_time: info.endTimeMs } : {}),
    artifact_uri: info.artifactUri,
    lifecycle_stage: info.lifecycleStage,
    run_id: info.id,
  };
}

export function writeRun(run: Run, links: RunLinks): Wire {
  return {
    info: writeRunInfo(run.info),
    data: {
      ...writeList('metrics', run.metrics, writeMetric),
      ...writeList('params', run.params, writePair),
      ...writeList('tags', run.tags, writePair),
    },
    inputs: writeInputs(links),
    outputs: writeOutputs(links),
  };
}

function writeInputs({ datasetInputs, modelInputs }: RunInputs): Wire {
  return {
    ...writeList('dataset_inputs', datasetInputs, ({ dataset, tags }) => ({
      ...writeList('tags', tags, writePair),
      dataset: {
        name: dataset.name,
        digest: dataset.digest,
        source_type: dataset.sourceType,
        source: dataset.source,
        ...(dataset.schema ? { schema: dataset.schema } : {}),
        ...(dataset.profile ? { profile: dataset.profile } : {}),
      },
    })),
    ...writeList('model_inputs', modelInputs, (modelId) => ({ model_id: modelId })),
  };
}

function writeOutputs({ modelOutputs }: RunLinks): Wire {
  return writeList('model_outputs', modelOutputs, ({ modelId, step }: ModelOutput) => ({
    model_id: modelId,
    step,
  }));
}

export function writePair({ key, value }: Tag): Wire {
  return { key, value };
}

export function writeList<Item>(
  name: string,
  items: readonly Item[],
  write: (item: Item) => Wire,
): Wire {
  return items.length === 0 ? {} : { [name]: items.map(write) };
}

/** The token of the next page, where there is one. */
export function writeToken(nextPageToken: string | undefined): Wire {
  return nextPageToken === undefined ? {} : { next_page_token: nextPageToken };
}
