import { Command } from 'commander';
import { showSize } from '../../artifacts/byte-size.ts';
import type { Context } from '../../host/context.ts';
import type { Terminal } from '../../host/terminal.ts';
import type { ModelDescription } from '../../models/describe-model.ts';
import { type Column, createOutputOption, printRows } from '../output.ts';
import { fetchLocalModel } from './local-model.ts';

/** `mlts models describe URI`: what a model is, takes, gives and needs. */
export function createDescribeCommand(context: Context): Command {
  return new Command('describe')
    .description('show what a model is made of, what it takes and gives, and what it requires')
    .argument('<model-uri>', 'models:/NAME/VERSION, runs:/RUN/NAME, an artifact URI, a folder')
    .addOption(createOutputOption(['table', 'json']))
    .action(async (uri: string, { output }: { readonly output: 'table' | 'json' }) => {
      const model = await fetchLocalModel(uri, context);
      const { describeModel } = await import('../../models/describe-model.ts');
      const description = await describeModel(model);
      if (output === 'json') context.terminal.print(JSON.stringify(description, null, 2));
      else await printDescription(description, context.terminal);
    });
}

type Row = Readonly<Record<string, string>>;

async function printDescription(model: ModelDescription, terminal: Terminal): Promise<void> {
  const facts = listFacts(model).filter(([, value]) => value !== '');
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts) terminal.print(`${name.padEnd(width)}  ${value}`);
  await printSection('inputs', model.inputs?.map(toFieldRow), terminal);
  await printSection('outputs', model.outputs?.map(toFieldRow), terminal);
  const params = model.params.map(({ name, type, default: value }) => ({
    name,
    type,
    default: JSON.stringify(value),
  }));
  await printSection('params', params.length > 0 ? params : undefined, terminal);
  const requirements = model.requirements.map((line) => ({ requirements: line }));
  await printRowsBelow(requirements, terminal);
  const files = model.files.map(({ path, size_bytes }) => ({
    files: path,
    size: showSize(size_bytes),
  }));
  await printRowsBelow(files, terminal);
}

function listFacts(model: ModelDescription): readonly (readonly [name: string, value: string])[] {
  const { registered_model: registered, input_example: example, metadata } = model;
  return [
    ['model', model.model_uri],
    ['version', registered === null ? '' : `${registered.name} ${registered.version}`],
    ['folder', model.folder],
    ['model id', model.model_id ?? ''],
    ['run', model.run_id ?? ''],
    ['created', model.utc_time_created ?? ''],
    ['MLflow', model.mlflow_version ?? ''],
    ['Python', model.python_version ?? ''],
    ['flavors', Object.keys(model.flavors).join(', ')],
    ['size', `${showSize(model.size_bytes)} in ${model.files.length} files`],
    ['example', example === null ? '' : `${example.artifact_path} (${example.type})`],
    ['metadata', metadata === null ? '' : JSON.stringify(metadata)],
    ['signature', model.inputs === null && model.outputs === null ? 'none' : ''],
  ];
}

function toFieldRow(
  { name, type, required }: NonNullable<ModelDescription['inputs']>[number],
  place: number,
): Row {
  return { name: name ?? `(${place})`, type, required: required ? 'yes' : 'no' };
}

async function printSection(
  title: string,
  rows: readonly Row[] | undefined,
  terminal: Terminal,
): Promise<void> {
  if (rows === undefined) return;
  terminal.print(`\n${title}`);
  await printTable(rows, terminal);
}

async function printRowsBelow(rows: readonly Row[], terminal: Terminal): Promise<void> {
  if (rows.length === 0) return;
  terminal.print('');
  await printTable(rows, terminal);
}

async function printTable(rows: readonly Row[], terminal: Terminal): Promise<void> {
  const columns: Column<Row>[] = Object.keys(rows[0] ?? {}).map((heading) => ({
    heading,
    cell: (row) => row[heading] ?? '',
  }));
  await printRows(rows, columns, 'table', terminal);
}
