import type { Terminal } from '../host/terminal.ts';
import { type Column, type OutputFormat, printPages } from './output.ts';

export interface EntityFormat<Entity> {
  readonly output: OutputFormat;
  readonly columns: readonly Column<Entity>[];
  /** In the words of MLflow's REST API. */
  readonly toJson: (entity: Entity) => unknown;
}

/** Prints entities page by page: tables and CSV by their columns, JSON as the REST API writes them. */
export async function printEntityPages<Entity>(
  pages: AsyncIterable<readonly Entity[]>,
  { output, columns, toJson }: EntityFormat<Entity>,
  terminal: Terminal,
): Promise<void> {
  if (output === 'table' || output === 'csv') return printPages(pages, columns, output, terminal);
  const written = (async function* () {
    for await (const page of pages) yield page.map(toJson);
  })();
  return printPages(written, [], output, terminal);
}
