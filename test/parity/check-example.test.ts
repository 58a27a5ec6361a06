import { expect, test } from 'vitest';
import { checkExample } from '../../src/models/check-example.ts';
import { SCALAR_TYPES } from '../../src/models/schema.ts';
import { askPython } from '../setup/mlflow.ts';

const CELLS = [null, true, 1, 1.5, 2147483648, -7, 'a', '1', '1.5', '2020-01-01'];
/** A text that is no base64 is refused, and one that is no date: only MLflow knows all forms of those. */
const cases = SCALAR_TYPES.flatMap((type) =>
  CELLS.filter((cell) => !(['binary', 'datetime'].includes(type) && typeof cell === 'string')).map(
    (cell) => [type, cell] as const,
  ),
);

const ASK = `
import json, logging, sys, warnings
warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
from mlflow.models.utils import _enforce_schema
from mlflow.types.schema import ColSpec, Schema
from mlflow.utils.proto_json_utils import dataframe_from_parsed_json
def is_refused(kind, cell):
    schema = Schema([ColSpec(kind, "a")])
    try:
        data = {"columns": ["a"], "data": [[cell]]}
        _enforce_schema(dataframe_from_parsed_json(data, pandas_orient="split", schema=schema), schema)
        return False
    except Exception:
        return True
print(json.dumps([is_refused(*case) for case in json.loads(sys.argv[1])]))
`;

test('a cell of an example is called refused where MLflow refuses it', async () => {
  const theirs = await askPython<boolean[]>(ASK, [JSON.stringify(cases)]);
  const ours = cases.map(([type, cell]) => {
    const table = { columns: ['a'], rows: [[cell]] };
    const column = { kind: 'column', name: 'a', isRequired: true } as const;
    const inputs = [{ ...column, type: { kind: 'scalar', type } as const }];
    return checkExample({ kind: 'table', table }, inputs).some(({ level }) => level === 'error');
  });
  const show = (results: readonly boolean[]) =>
    cases.map(([type, cell], index) => `${type} ${JSON.stringify(cell)}: ${results[index]}`);
  expect(show(ours)).toEqual(show(theirs));
});
