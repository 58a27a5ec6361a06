const LOCAL = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
/** Each knows the abbreviations of its own part of the world only; elsewhere it says `GMT+1`. */
const LOCALES = ['en-US', 'en-GB', 'en-IN', 'en-AU', 'en-NZ', 'en-ZA', 'ja-JP'];

/** `2026-01-31 23:59:59`, local time. */
export function formatLocalTime(timeMs: number): string {
  const parts = new Map(LOCAL.formatToParts(timeMs).map(({ type, value }) => [type, value]));
  const date = ['year', 'month', 'day'].map((part) => parts.get(part as 'year')).join('-');
  const time = ['hour', 'minute', 'second'].map((part) => parts.get(part as 'hour')).join(':');
  return `${date} ${time}`;
}

/**
 * The zone's name that holds now, whatever time is shown (`mlflow/utils/time.py`): `CET`, or `+03` where
 * nobody has a name for it.
 */
export function nameTimeZone(): string {
  const names = LOCALES.map((locale) => {
    const format = new Intl.DateTimeFormat(locale, { timeZoneName: 'short' });
    return (
      format.formatToParts(Date.now()).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    );
  });
  return names.find((name) => !/^(GMT|UTC)[+-]/.test(name)) ?? formatOffset();
}

function formatOffset(): string {
  const minutes = -new Date().getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const pad = (part: number): string => String(part).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${pad(hours)}${rest === 0 ? '' : pad(rest)}`;
}
