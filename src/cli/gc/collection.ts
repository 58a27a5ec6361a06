import pMap from 'p-map';
import { InvalidInput, MltsError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import type { GarbageCollector, GarbageItem } from '../../tracking/garbage.ts';
import { type GarbagePlan, nameKind } from '../../tracking/garbage-plan.ts';
import type { OwnArtifacts } from './own-artifacts.ts';

/** As many at once; the artifacts of each may take many requests. */
const CONCURRENCY = 8;

export interface CollectionOptions {
  readonly collector: GarbageCollector;
  /** Undefined: artifacts stay where they are. */
  readonly artifacts: OwnArtifacts | undefined;
  /** Told of each that is gone. */
  readonly onGone: (item: GarbageItem) => void;
}

export interface CollectionTotals {
  readonly gone: number;
  readonly files: number;
  readonly sizeBytes: number;
}

/**
 * Removes all of a plan, what fails being told and keeping none of the others: of each run and model the
 * artifacts first and then what the store knows, so that nothing is lost sight of while it is still there;
 * experiments after all that is in them.
 */
export class GarbageCollection {
  readonly #options: CollectionOptions;
  readonly #context: Context;
  readonly #failed = new Map<GarbageItem, MltsError>();
  #totals: CollectionTotals = { gone: 0, files: 0, sizeBytes: 0 };

  constructor(options: CollectionOptions, context: Context) {
    this.#options = options;
    this.#context = context;
  }

  get totals(): CollectionTotals {
    return this.#totals;
  }

  /** @throws MltsError at the end where something failed, the interrupt's reason where one came. */
  async run(
    { runs, models, experiments, jobs }: GarbagePlan,
    onProgress: (totals: CollectionTotals) => void,
  ): Promise<void> {
    const withArtifacts = [...runs, ...models];
    const attempt = async (item: GarbageItem): Promise<void> => {
      await this.#attempt(item);
      onProgress(this.#totals);
    };
    await pMap(withArtifacts, attempt, { concurrency: CONCURRENCY });
    for (const item of [...experiments, ...jobs]) await attempt(item);
    const total = withArtifacts.length + experiments.length + jobs.length;
    this.#throwInterrupt(total);
    this.#throwFailures(total);
  }

  async #attempt(item: GarbageItem): Promise<void> {
    const { signal } = this.#context.interrupts;
    if (signal.aborted) return;
    try {
      await this.#remove(item);
    } catch (error) {
      // An interrupt ends what is at work with errors of any kind.
      if (!signal.aborted) this.#tellFailure(item, error);
      return;
    }
    this.#totals = { ...this.#totals, gone: this.#totals.gone + 1 };
    this.#options.onGone(item);
  }

  async #remove(item: GarbageItem): Promise<void> {
    const { collector, artifacts } = this.#options;
    const { kind, id } = item;
    if (kind === 'experiment') this.#refuseWithLeftovers(id);
    if (kind === 'run' || kind === 'logged_model') {
      // Much time may have passed since the plan was made.
      const [current] = await collector.list(kind, { by: 'ids', ids: [id] });
      if (current?.stage === 'active') throw new InvalidInput('it has been restored meanwhile');
      const { files = 0, sizeBytes = 0 } = (await artifacts?.delete(item)) ?? {};
      const { gone, ...before } = this.#totals;
      this.#totals = {
        gone,
        files: before.files + files,
        sizeBytes: before.sizeBytes + sizeBytes,
      };
    }
    await collector.remove(item);
  }

  #refuseWithLeftovers(experimentId: string): void {
    const left = [...this.#failed.keys()].find((item) => item.experimentId === experimentId);
    if (left === undefined) return;
    throw new InvalidInput(`${nameKind(left.kind)} ${left.id} is still in it`);
  }

  #tellFailure(item: GarbageItem, error: unknown): void {
    const failure =
      error instanceof MltsError
        ? error
        : new MltsError('INTERNAL_ERROR', String(error), { cause: error });
    this.#failed.set(item, failure);
    const what = `${nameKind(item.kind)} ${item.id}`;
    this.#context.terminal.warn(`${what} stays: ${failure.message}`, failure.hint);
  }

  #throwInterrupt(total: number): void {
    const { interrupts, terminal } = this.#context;
    if (!interrupts.signal.aborted) return;
    terminal.note(`stopped: ${this.#totals.gone} of ${total} are gone; run it again for the rest`);
    interrupts.signal.throwIfAborted();
  }

  #throwFailures(total: number): void {
    const [first] = this.#failed.values();
    if (first === undefined) return;
    throw new MltsError(first.code, `${this.#failed.size} of ${total} could not be removed`, {
      hint: 'mend what the warnings say and run it again; the others are gone',
      cause: first,
    });
  }
}
