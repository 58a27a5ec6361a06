import { AlreadyExists, InvalidInput, MltsError, NotFound } from '../core/errors.ts';

/**
 * `name` is shown beside the id; `instead` is what else can be done.
 *
 * @throws InvalidInput for what is deleted: MLflow changes nothing about it until it is restored.
 */
export function refuseDeleted(
  kind: 'experiment' | 'run',
  id: string,
  stage: string,
  { name, instead }: { readonly name?: string; readonly instead?: string } = {},
): void {
  if (stage === 'active') return;
  const shown = name === undefined ? id : `\`${name}\` (${id})`;
  const otherwise = instead === undefined ? '' : `${instead}, or `;
  throw new InvalidInput(`${kind} ${shown} is deleted`, {
    hint: `${otherwise}bring it back with: mlts ${kind}s restore --${kind}-id ${id}`,
  });
}

export function experimentNotFound(experimentId: string): NotFound {
  return new NotFound(`there is no experiment with id ${experimentId}`, {
    hint: 'list what there is: mlts experiments search --view all',
  });
}

export function runNotFound(runId: string): NotFound {
  return new NotFound(`there is no run with id ${runId}`, {
    hint: 'list what there is: mlts runs search --view all',
  });
}

/** Only an active experiment can be deleted, and only a deleted one restored. */
export function wrongStage(experimentId: string, stage: 'active' | 'deleted'): NotFound {
  const state = stage === 'active' ? 'not deleted' : 'deleted already';
  return new NotFound(`experiment ${experimentId} is ${state}`, {
    hint: `look at it: mlts experiments get --experiment-id ${experimentId}`,
  });
}

export function nameTaken(name: string, cause?: unknown): AlreadyExists {
  return new AlreadyExists(`there is an experiment named \`${name}\` already, maybe deleted`, {
    hint: 'a deleted one keeps its name until it is removed for good; it can be restored',
    cause,
  });
}

export function tagNotFound(runId: string, key: string): NotFound {
  return new NotFound(`run ${runId} has no tag \`${key}\``, {
    hint: `look at those it has: mlts runs get ${runId}`,
  });
}

export function experimentTagNotFound(experimentId: string, key: string): NotFound {
  return new NotFound(`experiment ${experimentId} has no tag \`${key}\``);
}

/** A deleted experiment keeps its name, as `mlflow/store/tracking/sqlalchemy_store.py` has it. */
export function renameDeleted(experimentId: string): MltsError {
  return new MltsError(
    'INVALID_STATE',
    `experiment ${experimentId} is deleted: it keeps its name`,
    {
      hint: `bring it back with: mlts experiments restore --experiment-id ${experimentId}`,
    },
  );
}
