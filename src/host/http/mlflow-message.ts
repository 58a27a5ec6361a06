import type { Tag } from '../../core/entities.ts';
import { MltsError } from '../../core/errors.ts';

/** A message of MLflow's REST API as it arrives: nothing in it is sure to be there. */
export type Wire = Readonly<Record<string, unknown>>;

/** @throws MltsError where the server's answer lacks `name`: then it is no MLflow server. */
export function readMessage(wire: Wire, name: string, address: string): Wire {
  const value = wire[name];
  if (typeof value === 'object' && value !== null) return value as Wire;
  throw new MltsError('INTERNAL_ERROR', `${address} answered without \`${name}\``, {
    hint: 'check that the address is that of an MLflow server',
  });
}

export function readTag(wire: Wire): Tag {
  return { key: readText(wire.key), value: readText(wire.value) };
}

export function readList(value: unknown): readonly Wire[] {
  return Array.isArray(value) ? (value as Wire[]) : [];
}

export function readText(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}

/** int64 comes as a number from MLflow and as a text from other servers; 0 stands for none. */
export function readTimeMs(value: unknown): number | undefined {
  return Number(value ?? 0) || undefined;
}
