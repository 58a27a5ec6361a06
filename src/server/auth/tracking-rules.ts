import { InvalidInput, NotFound } from '../../core/errors.ts';
import type { Services } from '../services.ts';
import type { Access } from './access.ts';
import type { Action, ResourceType } from './permission.ts';
import type { Places } from './places.ts';
import { need, type Requirement } from './requirement.ts';
import {
  listOf,
  type Rule,
  type Rules,
  readExperimentId,
  runIdOf,
  type SentMessage,
  textOf,
  textsIn,
} from './rule.ts';

/** All that goes with an experiment when it is deleted. */
const WITHIN_EXPERIMENT: readonly ResourceType[] = [
  'run',
  'trace',
  'logged_model',
  'assessment',
  'review_queue',
  'scorer',
  'scorer_version',
];

/** Who may do what with experiments, runs and logged models (`BEFORE_REQUEST_HANDLERS`). */
export function listTrackingRules(services: Services, places: Places): Rules {
  return {
    ...listExperimentRules(services),
    ...listRunRules(places),
    ...listLoggedModelRules(places),
  };
}

function listExperimentRules({ tracking }: Services): Rules {
  const onExperiment =
    (action: Action): Rule =>
    ({ message }, access) =>
      access.may(need('experiment', experimentIdOf(message), action));
  const onWhole: Rule = ({ message }, access) => {
    const experiment = { type: 'experiment', id: experimentIdOf(message) } as const;
    return access.may(
      need('experiment', experiment.id, 'delete'),
      ...WITHIN_EXPERIMENT.map((type) => need(type, '*', 'delete', experiment)),
    );
  };
  return {
    createExperiment: (_call, access) => access.may(need('experiment', '*', 'notDenied')),
    getExperiment: onExperiment('read'),
    getExperimentByName: async ({ message }, access) => {
      const name = textOf(message, 'experiment_name');
      const found = await tracking.getExperimentByName(name);
      if (found === undefined) throw new NotFound(`there is no experiment named \`${name}\``);
      return access.may(need('experiment', found.id, 'read'));
    },
    deleteExperiment: onWhole,
    restoreExperiment: onWhole,
    updateExperiment: onExperiment('update'),
    setExperimentTag: onExperiment('update'),
    deleteExperimentTag: onExperiment('update'),
    searchDatasets: ({ message }, access) =>
      access.may(
        ...listOf(message, 'experiment_ids').map((id) =>
          need('experiment', readExperimentId(String(id)), 'read'),
        ),
      ),
    // What is found is filtered afterwards.
    searchExperiments: () => true,
    // Its experiments are filtered beforehand.
    searchRuns: () => true,
  };
}

function experimentIdOf(message: SentMessage): string {
  return readExperimentId(textOf(message, 'experiment_id'));
}

/** What lies in an experiment needs sight of it, and the action on its own kind, else on the experiment. */
export function withinExperiment(
  experimentId: string,
  type: ResourceType,
  action: Action,
): readonly Requirement[] {
  const experiment = { type: 'experiment', id: experimentId } as const;
  return [need('experiment', experimentId, 'read'), need(type, '*', action, experiment)];
}

/** A run that is not there is refused like one that may not be seen: nobody can try out ids. */
export async function mayRun(
  places: Places,
  access: Access,
  runId: string,
  action: Action,
): Promise<boolean> {
  const experimentId = await places.experimentOfRun(runId);
  return experimentId !== undefined && access.may(...withinExperiment(experimentId, 'run', action));
}

export async function mayLoggedModel(
  places: Places,
  access: Access,
  modelId: string,
  action: Action,
): Promise<boolean> {
  const experimentId = await places.experimentOfModel(modelId);
  return (
    experimentId !== undefined &&
    access.may(...withinExperiment(experimentId, 'logged_model', action))
  );
}

function listRunRules(places: Places): Rules {
  const onRun =
    (action: Action): Rule =>
    ({ message }, access) =>
      mayRun(places, access, runIdOf(message), action);
  /** What is logged to a run may be noted at models too, of other experiments even. */
  const onRunAndModels =
    (modelIdsOf: (message: SentMessage) => readonly string[]): Rule =>
    async ({ message }, access) => {
      const experimentId = await places.experimentOfRun(runIdOf(message));
      if (experimentId === undefined) return false;
      const requirements = [...withinExperiment(experimentId, 'run', 'update')];
      for (const modelId of modelIdsOf(message)) {
        const own = await places.experimentOfModel(modelId);
        if (own === undefined) return false;
        requirements.push(...withinExperiment(own, 'logged_model', 'update'));
      }
      return access.may(...requirements);
    };
  return {
    createRun: ({ message }, access) =>
      access.may(
        need('experiment', experimentIdOf(message), 'update'),
        need('run', '*', 'notDenied'),
      ),
    getRun: onRun('read'),
    deleteRun: onRun('delete'),
    restoreRun: onRun('delete'),
    updateRun: onRun('update'),
    logParam: onRun('update'),
    logModel: onRun('update'),
    setTag: onRun('update'),
    deleteTag: onRun('update'),
    logMetric: onRunAndModels((message) => [textOf(message, 'model_id')].filter(Boolean)),
    logBatch: onRunAndModels((message) => textsIn(message, 'metrics', 'model_id')),
    logInputs: onRunAndModels((message) => textsIn(message, 'models', 'model_id')),
    logOutputs: onRunAndModels((message) => textsIn(message, 'models', 'model_id')),
    getMetricHistory: onRun('read'),
    getMetricHistoryBulk: onManyRuns(places, 'run_id'),
    getMetricHistoryBulkInterval: onManyRuns(places, 'run_ids'),
  };
}

function onManyRuns(places: Places, field: string): Rule {
  return async ({ message }, access) => {
    const runIds = listOf(message, field).map(String);
    if (runIds.length === 0) throw new InvalidInput('no run is named');
    const requirements: Requirement[] = [];
    for (const runId of runIds) {
      const experimentId = await places.experimentOfRun(runId);
      if (experimentId === undefined) throw new NotFound(`there is no run \`${runId}\``);
      requirements.push(...withinExperiment(experimentId, 'run', 'read'));
    }
    return access.may(...requirements);
  };
}

function listLoggedModelRules(places: Places): Rules {
  const onModel =
    (action: Action): Rule =>
    ({ message }, access) =>
      mayLoggedModel(places, access, textOf(message, 'model_id'), action);
  return {
    createLoggedModel: async ({ message }, access) => {
      const mayCreate = await access.may(
        need('experiment', experimentIdOf(message), 'update'),
        need('logged_model', '*', 'notDenied'),
      );
      const runId = textOf(message, 'source_run_id');
      return mayCreate && (runId === '' || mayRun(places, access, runId, 'read'));
    },
    getLoggedModel: onModel('read'),
    deleteLoggedModel: onModel('delete'),
    finalizeLoggedModel: onModel('update'),
    setLoggedModelTags: onModel('update'),
    deleteLoggedModelTag: onModel('delete'),
    logLoggedModelParams: onModel('update'),
    // What is found is filtered afterwards; by a filter one could find out what is left out of it.
    searchLoggedModels: ({ message }, access) =>
      !textOf(message, 'filter').includes('source_run_id') ||
      access.may(need('run', '*', 'notDenied')),
  };
}
