import { InvalidInput, InvalidInputs } from '../core/errors.ts';
import { normalizePackageName } from '../core/package-name.ts';
import { formatRequirement, type PackageRequirement, parseRequirement } from './requirement.ts';

export type RequirementOperation = 'add' | 'remove';

export interface RequirementChange {
  readonly operation: RequirementOperation;
  readonly requirements: readonly PackageRequirement[];
}

/**
 * Checks what is to be added or removed. Names are put in small letters, as MLflow puts all of it; several
 * for one package become one (`_deduplicate_requirements` in `mlflow/utils/environment.py`).
 *
 * @throws InvalidInputs with all that pip could not read, InvalidInput where there is nothing to do.
 */
export function readRequirementChange(
  operation: RequirementOperation,
  texts: readonly string[],
): RequirementChange {
  const parsed = texts.map((text) => parseRequirement(text));
  const wrong = texts.filter((_text, index) => parsed[index] === undefined);
  if (wrong.length > 0) throw new InvalidInputs(wrong.map(refuse));
  if (texts.length === 0) {
    throw new InvalidInput(`there is no requirement to ${operation}`, {
      hint: `write: mlts models update-pip-requirements -m MODEL ${operation} 'numpy>=1.26' ...`,
    });
  }
  const lowered = parsed
    .filter((one) => one !== undefined)
    .map((one) => ({ ...one, name: one.name.toLowerCase() }));
  return { operation, requirements: operation === 'add' ? mergeSame(lowered) : lowered };
}

function refuse(text: string): InvalidInput {
  return new InvalidInput(`\`${text}\` is no requirement that pip could read`, {
    hint: "write NAME, NAME==VERSION, 'NAME[EXTRA]>=1,<2' or 'NAME @ URL'",
  });
}

/** One for each package; of different markers the last counts, as in MLflow. */
function mergeSame(requirements: readonly PackageRequirement[]): readonly PackageRequirement[] {
  const merged = new Map<string, PackageRequirement>();
  for (const one of requirements) {
    const key = normalizePackageName(one.name);
    const before = merged.get(key);
    merged.set(key, before?.marker === one.marker && before ? merge(before, one) : one);
  }
  return [...merged.values()];
}

function merge(before: PackageRequirement, next: PackageRequirement): PackageRequirement {
  return {
    ...next,
    extras: [...new Set([...before.extras, ...next.extras])],
    specifiers: [...new Set([...before.specifiers, ...next.specifiers])],
  };
}

export interface ChangedLines {
  readonly lines: readonly string[];
  /** Names to remove that are not there. */
  readonly missing: readonly string[];
}

/**
 * Requirement lines after the change: a package that is there is replaced in its place, a new one comes
 * last (`_add_or_overwrite_requirements`). What is no package (options, paths, comments) stays as it is,
 * where MLflow gives up.
 */
export function changeRequirements(
  lines: readonly string[],
  { operation, requirements }: RequirementChange,
): ChangedLines {
  const wanted = new Map(requirements.map((one) => [normalizePackageName(one.name), one]));
  const seen = new Set<string>();
  const changed: string[] = [];
  for (const line of lines) {
    const old = parseRequirement(line);
    const key = old === undefined ? undefined : normalizePackageName(old.name);
    if (key !== undefined && wanted.has(key)) {
      const next = wanted.get(key);
      if (operation === 'add' && next !== undefined && !seen.has(key)) {
        changed.push(formatRequirement(next));
      }
      seen.add(key);
    } else if (line !== '') {
      changed.push(old === undefined ? line : formatRequirement(old));
    }
  }
  const absent = [...wanted].filter(([key]) => !seen.has(key)).map(([, one]) => one);
  if (operation === 'remove') return { lines: changed, missing: absent.map(({ name }) => name) };
  return { lines: [...changed, ...absent.map(formatRequirement)], missing: [] };
}

/** The text of a requirements.txt after the change, in the form that MLflow gives it. */
export function changeRequirementsFile(text: string, change: RequirementChange): string {
  return changeRequirements(text.split(/\r\n|\r|\n/), change).lines.join('\n');
}

/**
 * The text of a conda.yaml after the change; all else in it stays as it is, comments too. A list of pip is
 * added where there is none.
 *
 * @throws InvalidInput for a file without a list of dependencies.
 */
export async function changeCondaFile(
  text: string,
  change: RequirementChange,
): Promise<{ readonly text: string; readonly missing: readonly string[] }> {
  const { isMap, isSeq, parseDocument } = await import('yaml');
  const document = parseDocument(text, { version: '1.1' });
  const dependencies = document.errors.length === 0 ? document.get('dependencies') : undefined;
  if (!isSeq(dependencies)) {
    throw new InvalidInput('conda.yaml has no list of `dependencies`', {
      hint: 'mend it by hand, or save the model again',
    });
  }
  const pip = dependencies.items.find((item) => isMap(item) && item.has('pip'));
  const list = isMap(pip) ? pip.toJSON().pip : [];
  const before = Array.isArray(list) ? list.map(String) : [];
  const { lines, missing } = changeRequirements(before, change);
  const written = document.createNode([...lines]);
  if (isMap(pip)) pip.set('pip', written);
  else dependencies.add(document.createNode({ pip: [...lines] }));
  // As PyYAML writes it.
  return {
    text: document.toString({ indentSeq: false, singleQuote: true, lineWidth: 80 }),
    missing,
  };
}
