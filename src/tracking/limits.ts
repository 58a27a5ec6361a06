import type { Metric, Param, Tag } from '../core/entities.ts';
import { type Env, readFlag, variables } from '../core/environment-variables.ts';
import { InvalidInput } from '../core/errors.ts';
import { checkKey, lengthOf } from '../core/key.ts';
import { isSecretName } from '../core/redact.ts';
import { checkModelId } from './logged-model-limits.ts';
import type { RunData } from './store.ts';
import { checkArchivalTag } from './trace-archival.ts';

/** What MLflow's stores take (`mlflow/utils/validation.py`); lengths in characters. */
const LIMITS = {
  paramValue: 6_000,
  tagValue: 8_000,
  experimentName: 500,
  experimentTagValue: 20_000,
  traceId: 36,
  tracesAtOnce: 100,
} as const;

/** What may be too long, and what is done about it. */
export interface LengthRule {
  /** Cut values that are too long (MLflow's default), or refuse them. */
  readonly truncate: boolean;
  warn(text: string): void;
}

const REFUSE: LengthRule = { truncate: false, warn: () => {} };

export function readLengthRule(env: Env, warn: (text: string) => void): LengthRule {
  return { truncate: readFlag(env, variables.truncateLongValues, true), warn };
}

/**
 * Checks what is about to be logged, and cuts values that are too long.
 *
 * @throws InvalidInput for names that MLflow refuses, a param given twice with different values, and
 * metrics that are no numbers.
 */
export function checkRunData(data: RunData, rule: LengthRule): Required<RunData> {
  const params = (data.params ?? []).map(({ key, value }) => ({
    key: checkKey('param', key),
    value: fitLength(`param \`${key}\``, value, LIMITS.paramValue, rule),
  }));
  const metrics = data.metrics ?? [];
  metrics.forEach(checkMetric);
  return { params: withoutRepeats(params), tags: checkTags(data.tags ?? [], rule), metrics };
}

export function checkTags(tags: readonly Tag[], rule: LengthRule): readonly Tag[] {
  return tags.map(({ key, value }) => ({
    key: checkKey('tag', key),
    value: fitLength(`tag \`${key}\``, value, LIMITS.tagValue, rule),
  }));
}

/** @throws InvalidInput for an empty or too long name, and tags that MLflow refuses. */
export function checkExperiment(name: string, tags: readonly Tag[] = []): void {
  if (name === '') {
    throw new InvalidInput('the experiment name is empty', { hint: 'give it a name' });
  }
  fitLength('the experiment name', name, LIMITS.experimentName, REFUSE);
  tags.forEach(checkExperimentTag);
}

export function checkExperimentTag({ key, value }: Tag): void {
  checkKey('tag', key);
  fitLength(`tag \`${key}\``, value, LIMITS.experimentTagValue, REFUSE);
  checkArchivalTag({ key, value });
}

/** Run ids name folders in some stores: nothing but letters, digits, `_` and `-`. */
export function checkRunId(runId: string): string {
  if (/^[a-zA-Z0-9][\w-]{0,255}$/.test(runId)) return runId;
  throw new InvalidInput(`\`${runId}\` is no run id`, {
    hint: 'a run id looks like 3f0c...: 32 hex digits',
  });
}

/** As `checkRunId`, for experiments. */
export function checkExperimentId(experimentId: string): string {
  if (/^[a-zA-Z0-9][\w-]{0,63}$/.test(experimentId)) return experimentId;
  throw new InvalidInput(`\`${experimentId}\` is no experiment id`, {
    hint: 'an experiment id is a number; a name is given with --experiment-name',
  });
}

/** As many as MLflow links at once, and each as long as its column. @throws InvalidInput */
export function checkTraceIds(ids: readonly string[]): readonly string[] {
  if (ids.length > LIMITS.tracesAtOnce) {
    throw new InvalidInput(`${ids.length} traces are too many: at most ${LIMITS.tracesAtOnce}`, {
      hint: 'link the others by a second command',
    });
  }
  const wrong = ids.find((id) => id === '' || lengthOf(id) > LIMITS.traceId);
  if (wrong === undefined) return ids;
  throw new InvalidInput(`\`${wrong}\` is no trace id`, {
    hint: 'a trace id looks like tr-3f0c...',
  });
}

function checkMetric({ key, value, timestampMs, step, modelId }: Metric): void {
  checkKey('metric', key);
  if (modelId !== undefined) checkModelId(modelId);
  const isWhole = isStorable(step) && isStorable(timestampMs);
  if (typeof value === 'number' && isWhole && timestampMs >= 0) return;
  throw new InvalidInput(
    `metric \`${key}\`: value ${value}, step ${step} and time ${timestampMs} must be a number, a whole number and milliseconds from 0`,
  );
}

/** Columns have eight bytes. Nanoseconds, which some clients log, are kept as exactly as a double can. */
function isStorable(whole: number): boolean {
  return Number.isInteger(whole) && Math.abs(whole) < 2 ** 63;
}

/** The same param twice is one; with two values it is a mistake. */
export function withoutRepeats(params: readonly Param[]): readonly Param[] {
  const seen = new Map<string, string>();
  for (const { key, value } of params) {
    const earlier = seen.get(key);
    if (earlier !== undefined && earlier !== value) {
      const both = `${showValue(key, earlier)} and ${showValue(key, value)}`;
      throw new InvalidInput(`param \`${key}\` is given twice: ${both}`, {
        hint: 'leave one of them out',
      });
    }
    seen.set(key, value);
  }
  return [...seen].map(([key, value]) => ({ key, value }));
}

function fitLength(what: string, value: string, limit: number, rule: LengthRule): string {
  if (value.length <= limit || lengthOf(value) <= limit) return value;
  if (!rule.truncate) {
    const hint = 'shorten it, or log it as an artifact';
    throw new InvalidInput(`${what} is longer than ${limit} characters`, { hint });
  }
  rule.warn(`${what} is longer than ${limit} characters: the rest is cut off`);
  return [...value].slice(0, limit).join('');
}

/** A param's value never changes (`mlflow/utils/validation.py`); `runId` says whose. */
export function paramConflict(
  runId: string,
  key: string,
  old: string,
  value: string,
): InvalidInput {
  return new InvalidInput(
    `param \`${key}\` of run ${runId} is ${showValue(key, old)} and cannot become ${showValue(key, value)}`,
    { hint: 'start a new run to log another value' },
  );
}

/** As `paramConflict`, for a logged model. */
export function modelParamConflict(
  modelId: string,
  key: string,
  old: string,
  value: string,
): InvalidInput {
  return new InvalidInput(
    `param \`${key}\` of logged model ${modelId} is ${showValue(key, old)} and cannot become ${showValue(key, value)}`,
  );
}

/** For messages; the value of a param with a secret's name is not shown. */
function showValue(key: string, value: string): string {
  return isSecretName(key) ? '`****`' : `\`${value}\``;
}
