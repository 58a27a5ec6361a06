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
  'artifact-uri': async (line, context) =>
    (await import('./registry-values.ts')).listModelUris(line, context),
  'param-list': async (line, context) =>
    (await import('./project-values.ts')).listParameters(line, context),
};

/** The same for the verbs of the model registry, whose words mean something else elsewhere. */
const REGISTRY_SOURCES: Readonly<Record<string, ValueSource>> = {
  name: async (line, context) =>
    (await import('./registry-values.ts')).listModelNames(line, context),
  destination: async (line, context) =>
    (await import('./registry-values.ts')).listModelNames(line, context),
  version: async (line, context) =>
    (await import('./registry-values.ts')).listVersionNumbers(line, context),
  alias: async (line, context) => (await import('./registry-values.ts')).listAliases(line, context),
  stage: async () => (await import('./registry-values.ts')).listStages(),
  to: async (line, context) => (await import('./registry-values.ts')).listTargets(line, context),
  source: async (line, context) => ({
    ...(await (await import('./registry-values.ts')).listModelUris(line, context)),
    takesFiles: line.command.name() !== 'copy' && !/^(models|runs):/.test(line.current),
  }),
};
const REGISTRY_GROUPS = ['registered-models', 'model-versions', 'models'];

/** Values with these words for them in the help are paths. */
const PATH_WORDS = /^(uri|file|folder|path|dir|directory|filename|json)$|-(file|folder|path|dir)$/;

/** Values from the store, the project or the file system; nothing where none of them has any. */
export async function findValues(
  owner: Option | Argument,
  name: string,
  line: TypedLine,
  context: Context,
): Promise<Candidates> {
  const source = makesNewName(line, name) ? undefined : findSource(line, name);
  if (source !== undefined) return source(line, context);
  const word = owner instanceof Argument ? name : readPlaceholder(owner);
  return PATH_WORDS.test(word) ? { found: [], takesFiles: true } : NOTHING;
}

function findSource({ command }: TypedLine, name: string): ValueSource | undefined {
  const isRegistry = REGISTRY_GROUPS.includes(command.parent?.name() ?? '');
  return (isRegistry ? REGISTRY_SOURCES[name] : undefined) ?? SOURCES[name.replace(/-ids$/, '-id')];
}

/** `mlts experiments create --experiment-name` takes a name that is not there yet. */
function makesNewName({ command }: TypedLine, name: string): boolean {
  const verb = `${command.parent?.name()} ${command.name()}`;
  return (
    (name === 'experiment-name' && verb === 'experiments create') ||
    (name === 'name' && verb === 'registered-models create')
  );
}

/** `file` of `--env-file <file>`. */
function readPlaceholder({ flags }: Option): string {
  return /[<[]([^\]>.]*)/.exec(flags)?.[1] ?? '';
}
