const LOCAL = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const ZONE = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' });

/** `2026-01-31 23:59:59 CET`: local time, with the zone that holds now (`mlflow/utils/time.py`). */
export function formatLocalTime(timeMs: number): string {
  const parts = new Map(LOCAL.formatToParts(timeMs).map(({ type, value }) => [type, value]));
  const date = ['year', 'month', 'day'].map((part) => parts.get(part as 'year')).join('-');
  const time = ['hour', 'minute', 'second'].map((part) => parts.get(part as 'hour')).join(':');
  const zone = ZONE.formatToParts(Date.now()).find(({ type }) => type === 'timeZoneName')?.value;
  return `${date} ${time} ${zone ?? ''}`.trimEnd();
}
