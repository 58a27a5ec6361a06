import { suggestName } from '../core/suggestion.ts';
import { listWords } from '../core/wording.ts';
import type { Field, FieldKind, FilterLanguage } from './clause.ts';

/** Says what is wrong with a name; the caller knows where it stands. */
export type Refuse = (problem: string, hint?: string) => Error;

/**
 * The field that a name such as ``metrics.`val loss` `` means; without a kind it is an attribute
 * (`mlflow/utils/search_utils.py`, `_get_identifier`: the first dot parts kind and key, also in quotes).
 */
export function readField(name: string, language: FilterLanguage, refuse: Refuse): Field {
  const dot = name.indexOf('.');
  const kind = dot === -1 ? 'attribute' : readKind(name.slice(0, dot), language, refuse);
  const key = trimQuotes(name.slice(dot + 1));
  if (kind === 'attribute') return { kind, key: readAttribute(key, language, refuse) };
  if (kind === 'dataset' && !language.datasetKeys.includes(key)) {
    throw refuse(
      `there is no dataset field \`${key}\``,
      `there are ${listWords(language.datasetKeys)}`,
    );
  }
  return { kind, key };
}

function readKind(text: string, language: FilterLanguage, refuse: Refuse): FieldKind {
  const name = language.takesQuotedKind ? trim(text, '`') : text;
  const kind = Object.hasOwn(language.kinds, name) ? language.kinds[name] : undefined;
  if (kind !== undefined) return kind;
  const names = Object.keys(language.kinds);
  const meant = suggestName(name, names);
  throw refuse(
    `\`${name}\` is no kind of field`,
    meant === undefined ? `there are ${listWords(names)}` : `did you mean \`${meant}\`?`,
  );
}

function readAttribute(key: string, { attributes, kinds }: FilterLanguage, refuse: Refuse): string {
  const attribute = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
  if (attribute !== undefined) return attribute;
  const names = [...new Set(Object.values(attributes))];
  const meant = suggestName(key, names);
  const all = `there are ${listWords(names)}; write ${listLogged(kinds)} for what was logged`;
  throw refuse(
    `there is no attribute \`${key}\``,
    meant === undefined ? all : `did you mean \`${meant}\`?`,
  );
}

function listLogged(kinds: FilterLanguage['kinds']): string {
  const known = Object.values(kinds);
  const isRuns = known.includes('metric');
  return isRuns ? 'metrics.NAME, params.NAME or tags.NAME' : 'tags.NAME';
}

/** Single or double quotes first, then backticks, as MLflow does. */
function trimQuotes(key: string): string {
  const inner = isQuoted(key, "'") || isQuoted(key, '"') ? key.slice(1, -1) : key;
  return trim(inner, '`');
}

function trim(text: string, quote: string): string {
  return isQuoted(text, quote) ? text.slice(1, -1) : text;
}

export function isQuoted(text: string, quote: string): boolean {
  return text.length >= 2 && text.startsWith(quote) && text.endsWith(quote);
}
