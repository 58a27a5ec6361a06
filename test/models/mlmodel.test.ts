import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InvalidInput, NotFound } from '../../src/core/errors.ts';
import { parseMlmodel, readMlmodel } from '../../src/models/mlmodel.ts';
import { parseParamSchema, parseSchema } from '../../src/models/schema.ts';
import { showParam, showSpec } from '../../src/models/show-schema.ts';

const parse = (text: string) => parseMlmodel(text, 'model/MLmodel');

describe('an MLmodel file', () => {
  test('of MLflow 2.8, as its documents show it', async () => {
    const model = await parse(`
artifact_path: model
flavors:
  python_function:
    env: {conda: conda.yaml, virtualenv: python_env.yaml}
    loader_module: mlflow.sklearn
    python_version: 3.9.0
  sklearn: {code: null, sklearn_version: 1.2.0}
mlflow_version: 2.8.0
model_uuid: a1b2c3d4-e5f6-7890-abcd-ef1234567890
signature:
  inputs: '[{"name": "feature_1", "type": "double"}, {"type": "string", "name": "b", "optional": true}]'
  outputs: '[{"type": "long"}]'
utc_time_created: '2023-11-01 10:00:00.000000'
`);
    expect([...model.flavors.keys()]).toEqual(['python_function', 'sklearn']);
    expect(model.flavors.get('sklearn')).toEqual({ code: null, sklearn_version: '1.2.0' });
    expect(model.mlflowVersion).toBe('2.8.0');
    expect(model.modelUuid).toBe('a1b2c3d4-e5f6-7890-abcd-ef1234567890');
    expect(model.signature?.inputs?.map(showSpec)).toEqual(['double', 'string']);
    expect(model.signature?.inputs).toMatchObject([{ isRequired: true }, { isRequired: false }]);
    expect(model.signature?.outputs).toMatchObject([{ name: undefined }]);
    expect(model.signature?.params).toBeUndefined();
    expect(model.modelId).toBeUndefined();
  });

  test('without a signature, and with a flavor that says nothing', async () => {
    const model = await parse('flavors:\n  crate:\n');
    expect(model.signature).toBeUndefined();
    expect(model.flavors).toEqual(new Map([['crate', {}]]));
  });

  test.each([
    ['- a list', /no YAML mapping/],
    ['flavors: [', /not valid YAML/],
    ['flavors: 3', /no `flavors`/],
    ['a: &a [x]\nflavors: *b', /not valid YAML/],
    ['flavors: {f: {}}\nsignature: {inputs: "["}', /no JSON/],
    ['flavors: {f: {}}\nsignature: {inputs: "{}"}', /no list/],
    [`flavors: {f: {}}\nsignature: {inputs: '[{"type": "dubble"}]'}`, /no type `dubble`/],
    [`flavors: {f: {}}\nsignature: {outputs: '[{"type": "tensor"}]'}`, /no `tensor-spec`/],
  ])('%j is refused', async (text, message) => {
    await expect(parse(text)).rejects.toThrow(InvalidInput);
    await expect(parse(text)).rejects.toThrow(message);
  });

  test('a folder without one is no model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mlts-model-'));
    await expect(readMlmodel(folder)).rejects.toThrow(NotFound);
    await writeFile(join(folder, 'MLmodel'), 'flavors: {python_function: {}}');
    expect((await readMlmodel(folder)).flavors.has('python_function')).toBe(true);
  });
});

describe('types in a few words', () => {
  test.each([
    [
      '{"type": "array", "items": {"type": "array", "items": {"type": "any"}}}',
      'array<array<any>>',
    ],
    ['{"type": "map", "values": {"type": "binary"}}', 'map<binary>'],
    [
      '{"type": "object", "properties": {"x": {"type": "long", "required": true}, "y": {"type": "string", "required": false}}}',
      'object{x: long, y?: string}',
    ],
    ['{"type": "sparkml_vector"}', 'vector'],
    [
      '{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 28, 28]}}',
      'tensor float32 (?, 28, 28)',
    ],
  ])('%s', (spec, words) => {
    expect(parseSchema(`[${spec}]`).map(showSpec)).toEqual([words]);
  });

  test('params, as MLflow 2.6 and as it writes them since', () => {
    const params = parseParamSchema(
      '[{"name": "t", "dtype": "double", "default": 0.1, "shape": null}, {"name": "l", "type": "long", "default": [1], "shape": [-1]}]',
    );
    expect(params.map(showParam)).toEqual(['double', 'array<long>']);
    expect(params.map(({ defaultValue }) => defaultValue)).toEqual([0.1, [1]]);
  });

  test('a type that is nested without end is refused', () => {
    const spec = `${'{"type": "array", "items": '.repeat(100)}{"type": "long"}${'}'.repeat(100)}`;
    expect(() => parseSchema(`[${spec}]`)).toThrow(/too deeply/);
  });
});
