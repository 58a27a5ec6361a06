/** `name      value` on a line each; what has no value is left out. */
export function renderFields(
  fields: readonly (readonly [label: string, value: string | undefined])[],
): string {
  const shown = fields.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...shown.map(([label]) => label.length)) + 2;
  const indented = ' '.repeat(width);
  return shown
    .map(([label, value = '']) => label.padEnd(width) + value.replaceAll('\n', `\n${indented}`))
    .join('\n');
}
