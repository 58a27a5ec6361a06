import type { ColumnSpec, ParamSpec, TensorSpec, ValueType } from './schema.ts';

/** A type in a few words: `double`, `array<string>`, `object{x: long, y?: map<any>}`. */
export function showType(type: ValueType): string {
  switch (type.kind) {
    case 'scalar':
      return type.type;
    case 'array':
      return `array<${showType(type.items)}>`;
    case 'map':
      return `map<${showType(type.values)}>`;
    case 'object':
      return `object{${type.properties
        .map(
          ({ name, type: inner, isRequired }) =>
            `${name}${isRequired ? '' : '?'}: ${showType(inner)}`,
        )
        .join(', ')}}`;
    default:
      return type.kind;
  }
}

/** What an input or output holds: a column's type, or a tensor's with its shape. */
export function showSpec(spec: ColumnSpec | TensorSpec): string {
  if (spec.kind === 'column') return showType(spec.type);
  return `tensor ${spec.dtype} (${spec.shape.map((size) => (size === -1 ? '?' : size)).join(', ')})`;
}

export function showParam({ type, shape }: ParamSpec): string {
  return shape === undefined ? showType(type) : `array<${showType(type)}>`;
}
