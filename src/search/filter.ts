import { listWords } from '../core/wording.ts';
import type {
  Clause,
  ClauseValue,
  Comparator,
  Field,
  FilterLanguage,
  ValueType,
} from './clause.ts';
import { isQuoted, readField } from './field.ts';
import { type Token, TokenReader } from './tokens.ts';
import { readList } from './value-list.ts';

/**
 * Parses a filter such as `metrics.loss < 0.1 AND tags.team = 'a'` into the comparisons that must hold
 * (`mlflow/utils/search_utils.py`, `parse_search_filter`). As there, AND may be left out or repeated.
 *
 * @throws InvalidInput that marks the character where the filter goes wrong.
 */
export function parseFilter(text: string, language: FilterLanguage): readonly Clause[] {
  if (text === '') return [];
  const reader = new TokenReader({ name: 'filter', text });
  if (reader.peek() === undefined) throw reader.refuse('it is empty', 'leave it out to find all');
  const clauses: Clause[] = [];
  while (reader.peek() !== undefined) {
    if (!reader.takeWords('AND')) clauses.push(readClause(reader, language));
  }
  return clauses;
}

function readClause(reader: TokenReader, language: FilterLanguage): Clause {
  const start = reader.peek();
  if (reader.takeWords('OR')) throw reader.refuse('there is no OR', 'search once for each', start);
  const name = reader.takeIf(({ kind }) => kind === 'identifier');
  if (name === undefined) throw refuseStart(reader, language);
  const field = readField(name.text, language, (problem, hint) =>
    reader.refuse(problem, hint, start),
  );
  const place = reader.peek();
  const comparator = readComparator(reader, name);
  const known = language.listComparators(field);
  if (!known.includes(comparator)) {
    const problem = `\`${name.text}\` cannot be compared by ${comparator}`;
    throw reader.refuse(problem, `it takes ${known.join(' ')}`, place);
  }
  return { ...field, comparator, value: readValue(reader, field, comparator, language) };
}

function refuseStart(reader: TokenReader, { subject }: FilterLanguage): Error {
  const example = subject === 'runs' ? "metrics.loss < 0.1 AND tags.team = 'a'" : "name LIKE 'a%'";
  const hint = `a filter is a list of comparisons joined by AND: ${example}`;
  return reader.refuse(
    `\`${reader.peek()?.text ?? ''}\` is not the beginning of a comparison`,
    hint,
  );
}

const SIGNS: readonly string[] = ['=', '!=', '<', '<=', '>', '>='];

function readComparator(reader: TokenReader, field: Token): Comparator {
  const sign = reader.takeIf(({ kind, text }) => kind === 'comparison' && SIGNS.includes(text));
  if (sign !== undefined) return sign.text as Comparator;
  if (reader.takeWords('LIKE')) return 'LIKE';
  if (reader.takeWords('ILIKE')) return 'ILIKE';
  if (reader.takeWords('NOT', 'IN')) return 'NOT IN';
  if (reader.takeWords('IN')) return 'IN';
  if (reader.takeWords('IS', 'NOT', 'NULL')) return 'IS NOT NULL';
  if (reader.takeWords('IS', 'NULL')) return 'IS NULL';
  throw reader.refuse(
    `a comparator is missing after \`${field.text}\``,
    'write = != < <= > >= LIKE, ILIKE, IN, NOT IN, IS NULL or IS NOT NULL; put a name with other signs than letters, digits, _ and . into backticks',
  );
}

function readValue(
  reader: TokenReader,
  field: Field,
  comparator: Comparator,
  language: FilterLanguage,
): ClauseValue {
  const type = language.readValueType(field);
  switch (comparator) {
    case 'IS NULL':
    case 'IS NOT NULL':
      return undefined;
    case 'IN':
    case 'NOT IN':
      return readList(reader, (text, token) => checkId(type, text, reader, token));
    default:
      return readSingle(reader, type);
  }
}

function readSingle(reader: TokenReader, type: ValueType): string | number {
  switch (type) {
    case 'text':
    case 'id':
      return readText(reader, type);
    case 'version':
      return readVersion(reader);
    default:
      return readNumber(reader, type === 'whole number');
  }
}

/** MLflow takes the number of a version in quotes too. */
function readVersion(reader: TokenReader): number {
  const quoted = takeQuoted(reader);
  if (quoted === undefined) return readNumber(reader, true);
  const text = quoted.text.slice(1, -1);
  if (/^\s*-?\d+\s*$/.test(text)) return Number(text);
  throw reader.refuse(`\`${text}\` is no whole number`, 'write one such as 3', quoted);
}

function takeQuoted(reader: TokenReader): Token | undefined {
  return reader.takeIf(
    ({ kind, text }) => kind === 'string' || (kind === 'identifier' && isQuoted(text, '"')),
  );
}

function readNumber(reader: TokenReader, isWhole: boolean): number {
  const place = reader.peek();
  const number = reader.takeIf(({ kind }) => kind === 'number');
  if (number === undefined) {
    throw reader.refuse(`a number is missing${describe(place)}`, 'write one without quotes: 0.5');
  }
  if (isWhole && !/^-?\d+$/.test(number.text)) {
    throw reader.refuse(`\`${number.text}\` is no whole number`, 'write one such as 3', number);
  }
  return Number(number.text);
}

/** A value in single or double quotes; doubled quotes and backslashes in it stay, as in MLflow. */
function readText(reader: TokenReader, type: 'text' | 'id'): string {
  const place = reader.peek();
  const value = takeQuoted(reader);
  if (value === undefined) {
    throw reader.refuse(
      `a text in quotes is missing${describe(place)}`,
      `write ${listWords([place === undefined ? "'value'" : `'${place.text.replace(/['"`]/g, '')}'`])}`,
    );
  }
  return checkId(type, value.text.slice(1, -1), reader, value);
}

function checkId(type: string, text: string, reader: TokenReader, token: Token): string {
  if (type !== 'id' || /^\d{1,19}$/.test(text)) return text;
  throw reader.refuse(
    `\`${text}\` is no experiment id`,
    'an experiment id is a number in quotes',
    token,
  );
}

function describe(token: Token | undefined): string {
  return token === undefined ? '' : `: \`${token.text}\``;
}
