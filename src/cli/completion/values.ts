import { Argument, type Option } from 'commander';
import type { Context } from '../../host/context.ts';
import { type Candidates, NOTHING } from './candidate.ts';
import type { TypedLine } from './typed-line.ts';

type ValueSource = (line: TypedLine, context: Context) => Promise<Candidates>;

/** Where values come from, by the name of the option or argument that takes them. */
const SOURCES: Readonly<Record<string, ValueSource>> = {
  'experiment-id': async (_line, context) =>
    (await import('./store-values.ts')).listExperimentIds(context),
  'experiment-name': async (_line, context) =>
    (await import('./store-values.ts')).listExperimentNames(context),
  'run-id': async (line, context) => (await import('./store-values.ts')).listRunIds(line, context),
  'entry-point': async (line, context) =>
    (await import('./project-values.ts')).listEntryPoints(line, context),
  // Paths and addresses of artifacts are none of this machine's.
  'artifact-path': async () => NOTHING,
  'artifact-uri': async () => NOTHING,
  'param-list': async (line, context) =>
    (await import('./project-values.ts')).listParameters(line, context),
};

/** Values with these words for them in the help are paths. */
const PATH_WORDS = /^(uri|file|folder|path|dir|directory|filename|json)$|-(file|folder|path|dir)$/;

/** Values from the store, the project or the file system; nothing where none of them has any. */
export async function findValues(
  owner: Option | Argument,
  name: string,
  line: TypedLine,
  context: Context,
): Promise<Candidates> {
  const source = makesNewName(line, name) ? undefined : SOURCES[name.replace(/-ids$/, '-id')];
  if (source !== undefined) return source(line, context);
  const word = owner instanceof Argument ? name : readPlaceholder(owner);
  return PATH_WORDS.test(word) ? { found: [], takesFiles: true } : NOTHING;
}

/** `mlts experiments create --experiment-name` takes a name that is not there yet. */
function makesNewName({ command }: TypedLine, name: string): boolean {
  return (
    name === 'experiment-name' &&
    `${command.parent?.name()} ${command.name()}` === 'experiments create'
  );
}

/** `file` of `--env-file <file>`. */
function readPlaceholder({ flags }: Option): string {
  return /[<[]([^\]>.]*)/.exec(flags)?.[1] ?? '';
}
