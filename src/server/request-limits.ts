import { InvalidInput } from '../core/errors.ts';

/** Of one request: what MLflow's clients put into it stays far below. */
export const MOST_BODY_BYTES = 200_000_000;

/** What one log-batch may hold (`mlflow/utils/validation.py`, `_validate_batch_log_limits`). */
const MOST = { metrics: 1_000, params: 100, tags: 100 } as const;
const MOST_TOGETHER = 1_000;

type Lists = Readonly<Partial<Record<keyof typeof MOST, readonly { readonly key?: string }[]>>>;

/** @throws InvalidInput */
export function checkBatch(lists: Lists): void {
  let together = 0;
  for (const [name, most] of Object.entries(MOST) as [keyof typeof MOST, number][]) {
    const count = lists[name]?.length ?? 0;
    together += count;
    refuseMore(name, count, most);
  }
  refuseMore('metrics, params and tags together', together, MOST_TOGETHER);
  refuseRepeats(lists.params ?? []);
}

/** Also with the same value (`_validate_param_keys_unique`). */
function refuseRepeats(params: Lists['params'] & {}): void {
  const keys = params.map(({ key }) => key);
  const repeated = keys.find((key, index) => keys.indexOf(key) !== index);
  if (repeated !== undefined) throw new InvalidInput(`param \`${repeated}\` comes twice`);
}

function refuseMore(what: string, count: number, most: number): void {
  if (count > most)
    throw new InvalidInput(`${count} ${what} are too many: at most ${most} at once`);
}
