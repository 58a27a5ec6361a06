import { Command, CommanderError } from 'commander';
import { UsageError } from '../core/errors.ts';
import type { ProcessContext } from '../host/process-context.ts';
import { COMPLETING } from './completing.ts';
import { heedVariables } from './option-variables.ts';
import { version } from './version.ts';

/** Makes one verb or group of verbs; `finish` is called with the exit code that its action ends with. */
type CommandFactory = (context: ProcessContext, finish: (exitCode: number) => void) => Command;

interface Verb {
  readonly name: string;
  readonly summary: string;
  load(): Promise<CommandFactory>;
}

/** What `mlts --help` lists. Only the verb that is asked for is loaded. */
const VERBS: readonly Verb[] = [
  {
    name: 'run',
    summary: 'run an MLproject project from a folder, a zip or a Git repository',
    load: async () => (await import('./run.ts')).runCommand,
  },
  {
    name: 'project',
    summary: 'check and describe MLproject files',
    load: async () => (await import('./project.ts')).projectCommand,
  },
  {
    name: 'experiments',
    summary: 'create, find and change experiments',
    load: async () => (await import('./experiments.ts')).experimentsCommand,
  },
  {
    name: 'runs',
    summary: 'record, find, compare and change runs',
    load: async () => (await import('./runs.ts')).runsCommand,
  },
  {
    name: 'artifacts',
    summary: 'upload, list and download artifacts of runs',
    load: async () => (await import('./artifacts.ts')).artifactsCommand,
  },
  {
    name: 'registered-models',
    summary: 'create, find and change registered models',
    load: async () => (await import('./registered-models.ts')).registeredModelsCommand,
  },
  {
    name: 'model-versions',
    summary: 'create, find and change versions of registered models',
    load: async () => (await import('./model-versions.ts')).modelVersionsCommand,
  },
  {
    name: 'models',
    summary: 'serve models, register them, promote their versions',
    load: async () => (await import('./models.ts')).modelsCommand,
  },
  {
    name: 'server',
    summary: "serve MLflow's REST API: experiments, runs, models, artifacts",
    load: async () => (await import('./server.ts')).serverCommand,
  },
  {
    name: 'ui',
    summary: 'the old name of `server`',
    load: async () => (await import('./server.ts')).uiCommand,
  },
  {
    name: 'users',
    summary: 'users, tokens and permissions of a server with logins',
    load: async () => (await import('./users.ts')).usersCommand,
  },
  {
    name: 'datasets',
    summary: 'find GenAI evaluation datasets',
    load: async () => (await import('./datasets.ts')).datasetsCommand,
  },
  {
    name: 'gc',
    summary: 'remove for good what is deleted, with its artifacts',
    load: async () => (await import('./gc.ts')).gcCommand,
  },
  {
    name: 'db',
    summary: 'bring databases of older MLflow versions forward; back them up',
    load: async () => (await import('./db.ts')).dbCommand,
  },
  {
    name: 'migrate-filestore',
    summary: 'bring a folder of runs and models into a SQLite database',
    load: async () => (await import('./migrate-filestore.ts')).migrateFilestoreCommand,
  },
  {
    name: 'doctor',
    summary: 'show what a bug report needs; tell what is broken',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  {
    name: 'completion',
    summary: 'print the script with which bash, zsh or fish completes all of this',
    load: async () => (await import('./completion.ts')).completionCommand,
  },
];

/**
 * Parses `argv` and runs what it asks for. Returns the exit code.
 *
 * @throws UsageError for a wrong command line, and whatever the verb throws.
 */
export async function runProgram(
  argv: readonly string[],
  context: ProcessContext,
): Promise<number> {
  if (argv[0] === COMPLETING) return completeLine(argv.slice(1), context);
  const { args, debug } = takeDebugFlag(argv);
  if (debug) context.debug = true;
  const { envFile } = readLeadingOptions(args);
  if (envFile !== undefined) await (await import('./env-file.ts')).loadEnvFile(envFile, context);
  let exitCode = 0;
  const program = await createProgram(args, context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    if (error.code === 'commander.help') return 2; // A group without its verb: the help was shown.
    throw toUsageError(error, program, args);
  }
  return exitCode;
}

async function completeLine(words: readonly string[], context: ProcessContext): Promise<number> {
  const program = await createProgram(words.slice(0, -1), context, () => {});
  const { completeWords } = await import('./completion/complete.ts');
  await completeWords(words, program, context);
  return 0;
}

async function createProgram(
  args: readonly string[],
  context: ProcessContext,
  finish: (exitCode: number) => void,
): Promise<Command> {
  const program = new Command('mlts')
    .description(
      "MLflow's command line, in milliseconds: runs MLflow projects, keeps MLflow's data.",
    )
    .version(`mlts, version ${version}`, '--version', 'show the version')
    // `run . --version main` is the run's own option.
    .enablePositionalOptions()
    .helpOption('-h, --help', 'show this help')
    .option('--debug', 'show stacks and causes with an error')
    .option('--env-file <file>', 'read variables that are not set from a file')
    .showSuggestionAfterError();
  const { verb: asked, rest } = readLeadingOptions(args);
  const wanted = asked === 'help' ? rest[0] : asked;
  for (const verb of VERBS) {
    if (verb.name === wanted) program.addCommand((await verb.load())(context, finish));
    else program.command(verb.name).summary(verb.summary).description(verb.summary);
  }
  for (const command of withSubcommands(program)) {
    configureTalk(command, context);
    heedVariables(command, context.env);
  }
  return program;
}

function* withSubcommands(command: Command): Generator<Command> {
  yield command;
  for (const child of command.commands) yield* withSubcommands(child);
}

/** commander neither exits nor writes errors by itself: that is `main`'s part. */
function configureTalk(command: Command, context: ProcessContext): void {
  if (command.commands.length > 0)
    command.helpCommand('help [command]', 'show the help of a command');
  command.exitOverride().configureOutput({
    writeOut: (text) => context.terminal.print(text.trimEnd()),
    writeErr: (text) => context.terminal.note(text.trimEnd()),
    outputError: () => {},
    getOutHelpWidth: () => process.stdout.columns ?? 100,
  });
}

/** `--debug` may stand anywhere before `--`: people add it to the end of a line that failed. */
function takeDebugFlag(argv: readonly string[]): { args: string[]; debug: boolean } {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const args = argv.filter((word, index) => word !== '--debug' || index >= end);
  return { args, debug: args.length < argv.length };
}

interface LeadingOptions {
  readonly envFile?: string | undefined;
  readonly verb?: string | undefined;
  /** What follows the verb. */
  readonly rest: readonly string[];
}

/** What stands before the verb counts before any verb is loaded. Words that are wrong there are left to commander. */
function readLeadingOptions(args: readonly string[]): LeadingOptions {
  const words = args.values();
  let envFile: string | undefined;
  for (const word of words) {
    if (word === '--env-file') envFile = words.next().value;
    else if (word.startsWith('--env-file=')) envFile = word.slice('--env-file='.length);
    else if (!word.startsWith('-')) return { envFile, verb: word, rest: [...words] };
  }
  return { envFile, rest: [] };
}

/** `runs`, `search`: as far as they are known. */
function listAskedVerbs(program: Command, args: readonly string[]): string[] {
  const { verb, rest } = readLeadingOptions(args);
  const verbs: string[] = [];
  let group = program;
  for (const word of [verb, ...rest]) {
    const command = group.commands.find((child) => child.name() === word);
    if (command === undefined) break;
    verbs.push(command.name());
    group = command;
  }
  return verbs;
}

function toUsageError(
  error: CommanderError,
  program: Command,
  args: readonly string[],
): UsageError {
  const [problem, suggestion] = error.message.replace(/^error: /, '').split('\n');
  const help = `\`${['mlts', ...listAskedVerbs(program, args), '--help'].join(' ')}\` lists what there is`;
  const meant = /Did you mean (.*?)\?/.exec(suggestion ?? '')?.[1];
  return new UsageError(problem ?? error.message, {
    hint: meant === undefined ? help : `did you mean \`${meant}\`? ${help}`,
  });
}
