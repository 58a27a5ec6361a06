import { dirname, isAbsolute, join } from 'node:path';
import { InvalidInput, NotFound } from '../core/errors.ts';
import { readWholeText } from '../host/text-file.ts';

/** Far above what any project writes by hand. */
const LARGEST_FILE_BYTES = 10_000_000;

/** One requirement as MLflow's `_Requirement` holds it (`mlflow/utils/requirements_utils.py`). */
export interface Requirement {
  readonly text: string;
  readonly isConstraint: boolean;
}

/** What Python's `str.strip` removes; JavaScript's `trim` also takes a byte order mark, and leaves the separators. */
const PYTHON_SPACE =
  '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const IS_SPACE = new RegExp(PYTHON_SPACE);
/** Where Python's `str.splitlines` breaks. */
const LINE_ENDS = '[\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029]';
const LINE_END = new RegExp(`\\r\\n|${LINE_ENDS}`);
const REFERENCE = /^(-r|--requirement|-c|--constraint) /;
const ANY_REFERENCE = /^(?:(-r|-c)\s*|(--requirement|--constraint)(?:\s+|\s*=\s*))(\S.*)$/;

/**
 * Flattens requirement lines as MLflow's `_parse_requirements` does to compute an environment's name:
 * comments and blank lines dropped, continued lines joined, `-r` and `-c` files read in place. The
 * packages themselves are installed by pip or uv from the lines as written.
 *
 * @throws InvalidInput where a named file is missing or files name each other in a circle.
 */
export async function flattenRequirements(
  lines: readonly string[],
  directory: string,
): Promise<readonly Requirement[]> {
  return flatten(lines, { directory, isConstraint: false, openFiles: [] });
}

interface Position {
  readonly directory: string;
  readonly isConstraint: boolean;
  /** From the outermost file to the one being read. */
  readonly openFiles: readonly string[];
}

async function flatten(lines: readonly string[], position: Position): Promise<Requirement[]> {
  const found: Requirement[] = [];
  for (const line of logicalLines(lines)) {
    const option = REFERENCE.exec(line)?.[1];
    if (option === undefined) {
      found.push({ text: line, isConstraint: position.isConstraint });
    } else {
      found.push(...(await flattenFile(line, option, position)));
    }
  }
  return found;
}

async function flattenFile(
  line: string,
  option: string,
  position: Position,
): Promise<readonly Requirement[]> {
  const named = strip(line.slice(option.length));
  const path = isAbsolute(named) ? named : join(position.directory, named);
  const where = position.openFiles.at(-1) ?? position.directory;
  if (position.openFiles.includes(path)) {
    throw new InvalidInput(`\`${line}\` in ${where} reads itself again`, {
      hint: 'remove one of the references: requirements files may not name each other in a circle',
    });
  }
  const text = await readWholeText(path, LARGEST_FILE_BYTES).catch((cause: unknown) => {
    if (!(cause instanceof NotFound)) throw cause;
    throw new InvalidInput(`\`${line}\` in ${where}: there is no file ${path}`, {
      hint: 'requirements files are looked for beside the file that names them; URLs are not read',
      cause,
    });
  });
  return flatten(splitLines(text), {
    directory: dirname(path),
    isConstraint: option === '-c' || option === '--constraint',
    openFiles: [...position.openFiles, path],
  });
}

function* logicalLines(lines: readonly string[]): Generator<string> {
  let joined = '';
  const whole = function* (line: string): Generator<string> {
    if (line !== '' && !line.startsWith('#')) yield line;
  };
  for (const line of lines.map((raw) => dropComment(strip(raw)))) {
    joined += line.replace(/\\+$/, '');
    if (line.endsWith('\\')) continue;
    yield* whole(joined);
    joined = '';
  }
  yield* whole(joined);
}

function dropComment(line: string): string {
  const start = line.indexOf(' #');
  return start === -1 ? line : strip(line.slice(0, start));
}

/** Character by character: a pattern for the end would try every space within the text anew. */
function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && IS_SPACE.test(text.charAt(start))) start += 1;
  while (end > start && IS_SPACE.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function splitLines(text: string): string[] {
  const lines = text.split(LINE_END);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/**
 * The lines with every `-r` and `-c` path made absolute, so that they can be written to a file that
 * lies anywhere; pip and uv resolve all other relative paths against their working directory.
 *
 * @param quote writes a path as the installer reads it: pip splits such lines as a shell would, uv does not.
 */
export function anchorReferences(
  lines: readonly string[],
  directory: string,
  quote: (path: string) => string,
): readonly string[] {
  return lines.map((line) => {
    const [, short, long, path] = ANY_REFERENCE.exec(strip(line)) ?? [];
    const option = short ?? long;
    if (option === undefined || path === undefined) return line;
    const isElsewhere = isAbsolute(path) || /^[a-z][a-z0-9+.-]*:\/\//i.test(path);
    return `${option} ${quote(isElsewhere ? path : join(directory, path))}`;
  });
}
