import { showSize } from '../../artifacts/byte-size.ts';
import { redactUrls } from '../../core/redact.ts';
import type { Cache } from './caches.ts';
import type { Diagnosis, StoreFinding } from './diagnosis.ts';
import type { Program } from './programs.ts';

/** For people: the names of MLflow's lines where it has them (`mlflow/utils/doctor.py`), and its indent. */
export function renderDiagnosis(diagnosis: Diagnosis): string {
  const { system, systemRelease, version, nodeVersion, program, tracking, registry } = diagnosis;
  const python = diagnosis.programs.find(({ name }) => name === 'python3');
  return [
    `System information: ${system}`,
    `System release: ${systemRelease}`,
    `Python version: ${python?.version ?? 'none found'}`,
    `mlts version: ${version}`,
    `mlts location: ${program}`,
    `Node version: ${nodeVersion}`,
    `Tracking URI: ${redactUrls(tracking.uri)}`,
    `Tracking store: ${describeStore(tracking)}`,
    `Registry URI: ${redactUrls(registry.uri)}`,
    `Registry store: ${describeStore(registry)}`,
    ...renderBlock(
      'MLflow environment variables',
      diagnosis.settings.map(({ name, value }) => `${name}: ${value}`),
    ),
    ...renderBlock('Programs', diagnosis.programs.map(describeProgram)),
    ...renderBlock('Caches', diagnosis.caches.map(describeCache)),
  ].join('\n');
}

function renderBlock(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];
}

function describeStore(finding: StoreFinding): string {
  if ('problem' in finding) return 'cannot be used, see below';
  const { kind, exists, schemaRevision, refusal, serverVersion } = finding.state;
  if (!exists) return `${kind}, not there yet: the first run makes it`;
  if (refusal !== undefined)
    return `${kind}, schema ${schemaRevision}, can only be read: see below`;
  if (schemaRevision !== undefined) return `${kind}, schema ${schemaRevision}`;
  return serverVersion === undefined ? `${kind}, answers` : `${kind} ${serverVersion}, answers`;
}

function describeProgram({ name, path, version, purpose }: Program): string {
  if (path === undefined) return `${name}: not found (for ${purpose})`;
  return `${name}: ${version ?? 'does not tell its version'} (${path})`;
}

function describeCache({ path, holds, bytes, isWhole }: Cache): string {
  return `${path}: ${isWhole ? '' : 'more than '}${showSize(bytes)} (${holds})`;
}

/** For scripts: the same in snake_case. */
export function toDiagnosisJson(diagnosis: Diagnosis): object {
  return {
    system: diagnosis.system,
    system_release: diagnosis.systemRelease,
    mlts_version: diagnosis.version,
    mlts_location: diagnosis.program,
    node_version: diagnosis.nodeVersion,
    tracking: toStoreJson(diagnosis.tracking),
    registry: toStoreJson(diagnosis.registry),
    environment_variables: Object.fromEntries(
      diagnosis.settings.map(({ name, value }) => [name, value]),
    ),
    programs: diagnosis.programs.map(({ name, path, version }) => ({
      name,
      path: path ?? null,
      version: version ?? null,
    })),
    caches: diagnosis.caches.map(({ path, bytes, isWhole }) => ({
      path,
      bytes,
      complete: isWhole,
    })),
  };
}

function toStoreJson(finding: StoreFinding): object {
  const uri = redactUrls(finding.uri);
  if ('problem' in finding) {
    const { code, message, hint = null } = finding.problem;
    return { uri, usable: false, problem: { error_code: code, message, hint } };
  }
  const { kind, exists, schemaRevision, refusal, serverVersion } = finding.state;
  return {
    uri,
    usable: true,
    writable: refusal === undefined,
    kind,
    exists,
    schema_revision: schemaRevision ?? null,
    server_version: serverVersion ?? null,
  };
}
