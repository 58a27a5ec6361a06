import { MltsError } from '../core/errors.ts';

/** The answer to all that is not about artifacts where the server was started with `--artifacts-only`. */
export function artifactsOnly(): MltsError {
  return new MltsError(
    'TEMPORARILY_UNAVAILABLE',
    'this server hands out artifacts and nothing else: it was started with --artifacts-only',
  );
}

/** Stands where a store is not needed and so not opened: whatever is asked of it is refused. */
export function createUnopenedStore<Store extends object>(): Store {
  const refuse = (): never => {
    throw artifactsOnly();
  };
  const get = (_target: unknown, name: string | symbol): unknown => {
    // It is no promise, though it has all other names.
    if (name === 'then') return undefined;
    return name === 'close' ? async () => {} : createUnopenedStore();
  };
  return new Proxy(refuse, { get, apply: refuse }) as unknown as Store;
}
