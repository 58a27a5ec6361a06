import { InvalidInput } from '../../core/errors.ts';

const UNITS_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;
const AGE = /^(?:([.\d]+)d)?(?:([.\d]+)h)?(?:([.\d]+)m)?(?:([.\d]+)s)?$/;

/** `--older-than 1.5d3h` in milliseconds (`mlflow/cli/__init__.py`); undefined for an empty one. @throws InvalidInput */
export function parseAge(text: string): number | undefined {
  if (text === '') return undefined;
  const [, ...parts] = AGE.exec(text) ?? [];
  const units = Object.values(UNITS_MS);
  const ms = parts.reduce((sum, part, index) => sum + Number(part ?? 0) * (units[index] ?? 0), 0);
  if (parts.length > 0 && Number.isFinite(ms)) return Math.trunc(ms);
  throw new InvalidInput(`--older-than \`${text}\` is no time span`, {
    hint: 'write days, hours, minutes and seconds in this order, such as: 30d, 8h, 2d8h5m20s',
  });
}
