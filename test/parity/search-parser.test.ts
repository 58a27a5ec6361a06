import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { FilterLanguage } from '../../src/search/clause.ts';
import { parseFilter } from '../../src/search/filter.ts';
import { parseOrderBy } from '../../src/search/order-by.ts';
import { experimentLanguage } from '../../src/tracking/search/experiment-language.ts';
import { runLanguage } from '../../src/tracking/search/run-language.ts';
import { askPython } from '../setup/mlflow.ts';
import {
  EXPERIMENT_FILTERS,
  EXPERIMENT_ORDERS,
  RUN_FILTERS,
  RUN_ORDERS,
} from './search-filters.ts';

/** What a text means: kind, key, comparator and value of each clause; null where it is refused. */
type Meaning = readonly (readonly unknown[])[] | null;

/** MLflow's parsers, and the checks that its SQL store makes of what they return. */
const ASK = `
import json, sys
from sqlalchemy.orm import Session
from mlflow.store.tracking import sqlalchemy_store as store
from mlflow.utils.search_utils import SearchExperimentsUtils, SearchUtils

def value_of(clause):
    value = clause["value"]
    return float(value) if clause["type"] == "metric" else value

def filter_meaning(text, parser, check):
    try:
        parsed = parser.parse_search_filter(text)
        check(parsed)
    except Exception:
        return None
    if any(isinstance(c["value"], tuple) and c["comparator"].upper() not in ("IN", "NOT IN") for c in parsed):
        return None  # Taken here, refused by every database.
    return [[c["type"], SearchUtils.translate_key_alias(c["key"]), c["comparator"].upper(), value_of(c)] for c in parsed]

def order_meaning(text, parse, check):
    try:
        kind, key, ascending = parse(text)
        check([text])
    except Exception:
        return None
    return [[kind, SearchUtils.translate_key_alias(key), ascending]]

asked = json.load(open(sys.argv[1]))
check_runs = lambda parsed: store._get_sqlalchemy_filter_clauses(parsed, Session(), "sqlite")
check_experiments = lambda parsed: store._get_search_experiments_filter_clauses(parsed, "sqlite")
print(json.dumps({
    "runs": [filter_meaning(t, SearchUtils, check_runs) for t in asked["runs"]],
    "experiments": [filter_meaning(t, SearchExperimentsUtils, check_experiments) for t in asked["experiments"]],
    "runOrders": [order_meaning(t, SearchUtils.parse_order_by_for_search_runs, lambda o: store._get_orderby_clauses(o, Session())) for t in asked["runOrders"]],
    "experimentOrders": [order_meaning(t, SearchExperimentsUtils.parse_order_by_for_search_experiments, store._get_search_experiments_order_by_clauses) for t in asked["experimentOrders"]],
}))`;

const ASKED = {
  runs: RUN_FILTERS,
  experiments: EXPERIMENT_FILTERS,
  runOrders: RUN_ORDERS,
  experimentOrders: EXPERIMENT_ORDERS,
} as const;

type Answers = Readonly<Record<keyof typeof ASKED, readonly Meaning[]>>;
let theirs: Answers;

beforeAll(async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'mlts-search-')), 'asked.json');
  await writeFile(path, JSON.stringify(ASKED));
  theirs = await askPython<Answers>(ASK, [path]);
});

const nameOf = (kind: string): string => (kind === 'param' ? 'parameter' : kind);

function readFilter(text: string, language: FilterLanguage): Meaning {
  try {
    return parseFilter(text, language).map(({ kind, key, comparator, value }) => [
      nameOf(kind),
      key,
      comparator,
      value ?? null,
    ]);
  } catch {
    return null;
  }
}

function readOrder(text: string, language: FilterLanguage): Meaning {
  try {
    const orders = parseOrderBy([text], language);
    return orders.map(({ kind, key, isAscending }) => [nameOf(kind), key, isAscending]);
  } catch {
    return null;
  }
}

/** Texts that mean something else, with what they mean there and here. */
function compare(
  asked: keyof typeof ASKED,
  read: (text: string) => Meaning,
): Readonly<Record<string, readonly [Meaning, Meaning]>> {
  const pairs = ASKED[asked].map((text, index) => {
    return [text, [theirs[asked][index] ?? null, read(text)] as const] as const;
  });
  return Object.fromEntries(pairs.filter(([, [a, b]]) => JSON.stringify(a) !== JSON.stringify(b)));
}

describe('filters and orders mean what they mean to MLflow', () => {
  test('of runs', () => {
    expect(compare('runs', (text) => readFilter(text, runLanguage))).toEqual({});
    expect(theirs.runs.filter((meaning) => meaning !== null).length).toBeGreaterThan(300);
  });

  test('of experiments', () => {
    expect(compare('experiments', (text) => readFilter(text, experimentLanguage))).toEqual({});
  });

  test('orders of runs', () => {
    const different = compare('runOrders', (text) => readOrder(text, runLanguage));
    // Another name of `run_name`, which MLflow takes in filters only.
    expect(Object.keys(different)).toEqual(['`run name`', '`run name` ASC', '`run name`  desc']);
  });

  test('orders of experiments', () => {
    expect(compare('experimentOrders', (text) => readOrder(text, experimentLanguage))).toEqual({});
  });
});
