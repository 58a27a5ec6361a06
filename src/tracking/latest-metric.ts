interface Measured {
  readonly step: number;
  readonly timestampMs: number;
  readonly value: number;
}

/**
 * Whether `a` takes the place of `b` as a key's latest metric: by step, then time, then value. NaN is
 * larger than nothing (`mlflow/store/tracking/sqlalchemy_store.py`, `_update_latest_metrics_if_necessary`).
 */
export function isLater(a: Measured, b: Measured): boolean {
  if (a.step !== b.step) return a.step > b.step;
  if (a.timestampMs !== b.timestampMs) return a.timestampMs > b.timestampMs;
  return a.value > b.value;
}
