import { quotePythonString } from './python-text.ts';

/** What PyYAML's `safe_load` makes of a piece of YAML. */
export type PythonValue = PythonScalar | PythonList | PythonMapping;

export type PythonScalar =
  | { readonly kind: 'none' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'timestamp'; readonly text: string; readonly repr: string };

export interface PythonList {
  readonly kind: 'list';
  readonly items: readonly PythonNode[];
}

export interface PythonMapping {
  readonly kind: 'mapping';
  readonly entries: readonly PythonEntry[];
}

export interface PythonEntry {
  readonly key: PythonNode;
  readonly value: PythonNode;
}

/** A value and the line, from 1, on which it was written. */
export type PythonNode = PythonValue & { readonly line: number };

/** What a value is called in messages. */
export function describeKind({ kind }: PythonValue): string {
  const names = { none: 'nothing', bool: 'a boolean', int: 'a number', float: 'a number' } as const;
  const others = {
    string: 'text',
    timestamp: 'a date',
    list: 'a list',
    mapping: 'a mapping',
  } as const;
  return { ...names, ...others }[kind];
}

/** Python's `str(value)`: what a project's command is given of a default. */
export function formatPythonText(value: PythonValue): string {
  if (value.kind === 'string') return value.value;
  return value.kind === 'timestamp' ? value.text : formatPythonRepr(value);
}

/** Python's `repr(value)`, as it also stands inside lists and dicts. */
export function formatPythonRepr(value: PythonValue): string {
  switch (value.kind) {
    case 'none':
      return 'None';
    case 'bool':
      return value.value ? 'True' : 'False';
    case 'int':
      return String(value.value);
    case 'float':
      return formatPythonFloat(value.value);
    case 'string':
      return quotePythonString(value.value);
    case 'timestamp':
      return value.repr;
    case 'list':
      return `[${value.items.map(formatPythonRepr).join(', ')}]`;
    case 'mapping':
      return `{${value.entries.map(formatEntry).join(', ')}}`;
  }
}

function formatEntry({ key, value }: PythonEntry): string {
  return `${formatPythonRepr(key)}: ${formatPythonRepr(value)}`;
}

/** `repr` of a float: the shortest digits, an exponent below 1e-4 and from 1e16 on. */
export function formatPythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const [digits = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const sign = exponent < 0 ? '-' : '+';
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const plain = String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}
