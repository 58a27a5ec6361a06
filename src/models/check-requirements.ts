import { MLFLOW_VERSION } from '../core/mlflow-version.ts';
import { normalizePackageName } from '../core/package-name.ts';
import { listWords } from '../core/wording.ts';
import type { Finding } from './finding.ts';
import type { Mlmodel } from './mlmodel.ts';
import { parseRequirement } from './requirement.ts';

/** A path of this machine, plain, editable or as an address. */
const LOCAL =
  /^(?:(?:-e|--editable)[\s=]+)?(?:\.{0,2}\/|\.{1,2}$|file:|~)|@\s*file:|^[\w./-]+\.whl$/;

/** What can be told of requirement lines without asking a package index. */
export function checkRequirements(
  lines: readonly string[],
  { mlflowVersion }: Mlmodel,
): readonly Finding[] {
  const findings: Finding[] = [];
  const parsed = lines.flatMap((line) => parseRequirement(line) ?? []);
  const local = lines.filter((line) => LOCAL.test(line));
  if (local.length > 0) {
    findings.push({
      level: 'warning',
      rule: 'local-requirement',
      message: `${listWords(local)} can only be installed where these files are`,
      hint: 'publish the package, or log the code with the model (`code_paths`)',
    });
  }
  const unpinned = parsed
    .filter(({ url, specifiers }) => url === undefined && !specifiers.some(isPin))
    .map(({ name }) => name);
  if (unpinned.length > 0) {
    findings.push({
      level: 'warning',
      rule: 'unpinned-requirement',
      message: `${listWords(unpinned)}: no exact version, so that tomorrow's environment is another one`,
      hint: 'mlts models update-pip-requirements -m MODEL add NAME==VERSION',
    });
  }
  return [...findings, ...checkUnreadable(lines), ...checkMlflow(parsed, mlflowVersion)];
}

function isPin(specifier: string): boolean {
  return /^===?[^*]+$/.test(specifier);
}

function checkUnreadable(lines: readonly string[]): readonly Finding[] {
  const unreadable = lines.filter(
    (line) => !line.startsWith('-') && !LOCAL.test(line) && parseRequirement(line) === undefined,
  );
  return unreadable.map((line) => ({
    level: 'error',
    rule: 'unreadable-requirement',
    message: `\`${line}\` is no requirement that pip could read`,
    hint: 'mend it in requirements.txt and conda.yaml of the model',
  }));
}

/** A model may hold what an older MLflow cannot read. */
function checkMlflow(
  parsed: readonly NonNullable<ReturnType<typeof parseRequirement>>[],
  saved: string | undefined,
): readonly Finding[] {
  if (saved === undefined) return [];
  const own = parsed.find(({ name }) => /^mlflow(-skinny)?$/.test(normalizePackageName(name)));
  const pinned = own?.specifiers.find(isPin)?.replace(/^=+/, '');
  if (pinned !== undefined && isNewer(saved, pinned)) {
    return [
      {
        level: 'warning',
        rule: 'older-mlflow',
        message: `MLflow ${saved} saved it, its environment has ${pinned}`,
        hint: `mlts models update-pip-requirements -m MODEL add ${own?.name}==${saved}`,
      },
    ];
  }
  if (pinned !== undefined || !isNewer(saved, MLFLOW_VERSION)) return [];
  return [
    {
      level: 'note',
      rule: 'newer-mlflow',
      message: `MLflow ${saved} saved it, which is newer than the ${MLFLOW_VERSION} that mlts knows`,
      hint: 'take a newer mlts where it does not load',
    },
  ];
}

function isNewer(one: string, other: string): boolean {
  const [a, b] = [one, other].map((version) =>
    version.split('.').map((part) => parseInt(part, 10)),
  );
  for (let index = 0; index < 3; index += 1) {
    const difference = (a?.[index] || 0) - (b?.[index] || 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
