/** A date or time as Python's `str()` and `repr()` write it. */
export interface PythonTimestamp {
  readonly text: string;
  readonly repr: string;
}

const TIMESTAMP =
  /^(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(Z|([-+])(\d\d?)(?::(\d\d))?))?)?$/;

/** What PyYAML takes for a timestamp (`yaml/resolver.py`): a bare date needs two digits each. */
export function looksLikeTimestamp(text: string): boolean {
  return TIMESTAMP.test(text) && (text.length > 10 || /^\d{4}-\d\d-\d\d$/.test(text));
}

/** Undefined for a day or time that does not exist, at which PyYAML raises ValueError. */
export function readTimestamp(source: string): PythonTimestamp | undefined {
  const match = TIMESTAMP.exec(source);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = ''] = match;
  const date = [year, month, day].map(Number);
  if (!isDate(date)) return undefined;
  const dateText = `${year}-${pad(month)}-${pad(day)}`;
  if (hour === undefined) return { text: dateText, repr: `datetime.date(${date.join(', ')})` };
  const time = [hour, minute, second].map(Number);
  const zone = readZone(match);
  if (!isTime(time) || zone === undefined) return undefined;
  const micros = Number(fraction.slice(0, 6).padEnd(6, '0'));
  const shown = micros === 0 ? '' : `.${String(micros).padStart(6, '0')}`;
  const numbers = dropZeroSeconds([...date, ...time, micros]);
  return {
    text: `${dateText} ${time.map((part) => pad(String(part))).join(':')}${shown}${zone.text}`,
    repr: `datetime.datetime(${[...numbers, ...zone.argument].join(', ')})`,
  };
}

function isDate([year = 0, month = 0, day = 0]: readonly number[]): boolean {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function isTime([hour = 0, minute = 0, second = 0]: readonly number[]): boolean {
  return hour < 24 && minute < 60 && second < 60;
}

interface Zone {
  readonly text: string;
  /** Empty, or the `tzinfo=` argument. */
  readonly argument: readonly string[];
}

function readZone(match: RegExpExecArray): Zone | undefined {
  const [zone, sign, hours = '0', minutes = '0'] = match.slice(8);
  if (zone === undefined) return { text: '', argument: [] };
  const offset = Number(hours) * 60 + Number(minutes);
  if (offset >= 24 * 60) return undefined;
  if (offset === 0) return { text: '+00:00', argument: ['tzinfo=datetime.timezone.utc'] };
  const text = `${sign}${pad(String(Math.floor(offset / 60)))}:${pad(String(offset % 60))}`;
  // Python keeps a negative delta as minus one day and the seconds from there.
  const delta =
    sign === '-' ? `days=-1, seconds=${86_400 - offset * 60}` : `seconds=${offset * 60}`;
  return { text, argument: [`tzinfo=datetime.timezone(datetime.timedelta(${delta}))`] };
}

function dropZeroSeconds(numbers: readonly number[]): readonly number[] {
  const withoutMicros = numbers.at(-1) === 0 ? numbers.slice(0, -1) : numbers;
  return withoutMicros.at(-1) === 0 ? withoutMicros.slice(0, -1) : withoutMicros;
}

function pad(digits: string | undefined): string {
  return (digits ?? '').padStart(2, '0');
}
