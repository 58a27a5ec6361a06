import type { Field, FilterLanguage, Order } from './clause.ts';
import { readField } from './field.ts';
import { refuseAt } from './filter-error.ts';
import { TokenReader } from './tokens.ts';

/**
 * Parses `metrics.loss DESC` and the like, one text for each key (`mlflow/utils/search_utils.py`,
 * `parse_order_by_for_search_runs` and `parse_order_by_for_search_experiments`).
 *
 * @throws InvalidInput for a text that is no order, or a key that comes twice.
 */
export function parseOrderBy(texts: readonly string[], language: FilterLanguage): readonly Order[] {
  const orders: Order[] = [];
  for (const text of texts) {
    const order = parseOrder(text, language);
    const isRepeated = orders.some((earlier) => isSameField(earlier, order));
    if (isRepeated && language.repeatsOrders) continue;
    if (isRepeated) {
      throw refuseAt({ name: 'order_by', text }, 0, 'this key comes twice', 'give it once');
    }
    orders.push(order);
  }
  return orders;
}

function parseOrder(text: string, language: FilterLanguage): Order {
  const reader = new TokenReader({ name: 'order_by', text });
  const name = reader.takeIf(({ kind }) => kind === 'identifier');
  if (name === undefined) {
    throw reader.refuse('a field is missing', 'write one such as `metrics.loss DESC`');
  }
  const field = readField(name.text, language, (problem, hint) =>
    reader.refuse(problem, hint, name),
  );
  if (!language.orderKinds.includes(field.kind)) {
    const problem = `${language.subject} cannot be ordered by a ${field.kind}`;
    throw reader.refuse(problem, `there are: ${language.orderKinds.join(', ')}`, name);
  }
  const isAscending = reader.takeWords('ASC') || !reader.takeWords('DESC');
  if (reader.peek() !== undefined) {
    throw reader.refuse(
      `\`${reader.peek()?.text}\` is neither ASC nor DESC`,
      'give a second key by a second --order-by; put a name with signs into backticks',
    );
  }
  return { ...field, isAscending };
}

function isSameField(a: Field, b: Field): boolean {
  return a.kind === b.kind && a.key === b.key;
}
