import { isShellWord } from '../core/shell-word.ts';

/** Why a template cannot be filled in. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault';
  /** Of the character in the template, from 1. */
  readonly position: number;
  readonly hint: string | undefined;
  /** The name that stands for nothing, where that is the fault. */
  readonly unknownName: string | undefined;

  constructor(position: number, message: string, hint?: string, unknownName?: string) {
    super(message);
    this.position = position;
    this.hint = hint;
    this.unknownName = unknownName;
  }
}

/** Placeholders in format specifications (`{x:{width}}`) go no deeper in Python either. */
const DEEPEST_FIELD = 2;
const WIDEST_FIELD = 10_000;
const SPECIFICATION = /^(?:(.)?([<>^]))?(0)?(\d+)?(?:\.(\d+))?s?$/su;

interface Field {
  readonly name: string;
  readonly conversion: string | undefined;
  readonly specification: string;
  readonly position: number;
  /** Index behind the closing brace. */
  readonly end: number;
}

/**
 * Python's `template.format(**values)` for values that are shell words (`str.format`, as
 * `mlflow/projects/_project_spec.py` uses it). `{x!r}` and `{x:.3}` change what is in a value, which
 * would undo its quoting: they are taken for values that need none. Names may hold what Python would
 * read as attributes or items (`{a.b}`), where there is a value of that whole name.
 *
 * @throws TemplateFault
 */
export function formatTemplate(
  template: string,
  values: ReadonlyMap<string, string>,
  depth = DEEPEST_FIELD,
): string {
  let text = '';
  for (let index = 0; index < template.length; ) {
    const character = template.charAt(index);
    if (character !== '{' && character !== '}') {
      text += character;
      index += 1;
    } else if (template.charAt(index + 1) === character) {
      text += character;
      index += 2;
    } else {
      const field = readField(template, index);
      if (depth === 0)
        throw new TemplateFault(field.position, 'placeholders are nested too deeply');
      text += fillField(field, values, depth);
      index = field.end;
    }
  }
  return text;
}

function readField(template: string, start: number): Field {
  const position = start + 1;
  if (template.charAt(start) === '}') {
    throw new TemplateFault(
      position,
      'a `}` has no `{` before it',
      'write `}}` for a brace itself',
    );
  }
  const end = findClosingBrace(template, start);
  const [name, rest] = splitName(template.slice(start + 1, end), position);
  const conversion = rest.startsWith('!') ? rest.slice(1).split(':', 1)[0] : undefined;
  const colon = rest.indexOf(':');
  const specification = colon === -1 ? '' : rest.slice(colon + 1);
  return { name, conversion, specification, position, end: end + 1 };
}

function findClosingBrace(template: string, start: number): number {
  let open = 0;
  for (let index = start; index < template.length; index += 1) {
    if (template.charAt(index) === '{') open += 1;
    if (template.charAt(index) === '}') open -= 1;
    if (open === 0) return index;
  }
  throw new TemplateFault(start + 1, 'a `{` is never closed', 'write `{{` for a brace itself');
}

/** A name ends at the first `:` or `!` outside of brackets. */
function splitName(field: string, position: number): [name: string, rest: string] {
  const [name = ''] = /^(?:\[[^\]]*\]|[^:!])*/s.exec(field) ?? [];
  if (name.includes('{')) throw unknownName(field, position);
  return [name, field.slice(name.length)];
}

function fillField(field: Field, values: ReadonlyMap<string, string>, depth: number): string {
  const value = values.get(field.name);
  if (value === undefined) throw unknownValue(field, values);
  const converted = convert(value, field);
  const specification = formatTemplate(field.specification, values, depth - 1);
  return applySpecification(converted, specification, field);
}

function unknownValue({ name, position }: Field, values: ReadonlyMap<string, string>): Error {
  const [base = ''] = name.split(/[.[]/, 1);
  if (name === '') {
    return new TemplateFault(position, '`{}` names no parameter', 'write `{{}}` for braces');
  }
  return base !== name && values.has(base)
    ? new TemplateFault(position, `\`{${name}}\` takes a part of \`${base}\``, `use \`{${base}}\``)
    : unknownName(name, position);
}

function unknownName(name: string, position: number): TemplateFault {
  return new TemplateFault(
    position,
    `\`{${name}}\` is no parameter`,
    `declare it under \`parameters\`, or write \`{{${name}}}\` for braces that the shell is to see`,
    name,
  );
}

/** `!s` changes nothing; `!r` and `!a` put quotes around a word, which a shell takes off again. */
function convert(value: string, { conversion, position }: Field): string {
  if (conversion === undefined || conversion === 's') return value;
  if (conversion !== 'r' && conversion !== 'a') {
    throw new TemplateFault(position, `\`!${conversion}\` is no conversion`, 'leave it out');
  }
  requireShellWord(value, `!${conversion}`, position);
  return `'${value}'`;
}

/** Python's format specification for a str: `[[fill]align][0][width][.precision][s]`. */
function applySpecification(value: string, specification: string, { position }: Field): string {
  const match = SPECIFICATION.exec(specification);
  const [, fill, align = '<', zero, width = '0', precision] = match ?? [];
  if (match === null || Number(width) > WIDEST_FIELD) {
    const what = `\`:${specification}\` is no format of a text`;
    throw new TemplateFault(position, what, 'leave it out');
  }
  if (precision !== undefined) requireShellWord(value, `:${specification}`, position);
  const cut = precision === undefined ? [...value] : [...value].slice(0, Number(precision));
  return pad(cut, fill ?? (zero === undefined ? ' ' : '0'), align, Number(width));
}

function pad(characters: readonly string[], fill: string, align: string, width: number): string {
  const missing = Math.max(0, width - characters.length);
  const before = { '<': 0, '>': missing, '^': Math.floor(missing / 2) }[align] ?? 0;
  return fill.repeat(before) + characters.join('') + fill.repeat(missing - before);
}

function requireShellWord(value: string, change: string, position: number): void {
  if (isShellWord(value)) return;
  // The value may be a secret: it is not repeated.
  const what = `\`${change}\` would undo the quoting of this value`;
  throw new TemplateFault(position, what, 'leave it out');
}
