import { InvalidInput } from '../../core/errors.ts';

/** What a grant gives, the weakest first (`mlflow/server/auth/permissions.py`); DENY takes away. */
const LEVELS = ['DENY', 'NO_PERMISSIONS', 'READ', 'USE', 'EDIT', 'MANAGE'] as const;
export type Permission = (typeof LEVELS)[number];

/** What an operation does to a resource; `notDenied` asks only that no grant takes it away. */
export type Action = 'read' | 'use' | 'update' | 'delete' | 'manage' | 'notDenied';

const LEAST: Readonly<Record<Exclude<Action, 'notDenied'>, Permission>> = {
  read: 'READ',
  use: 'USE',
  update: 'EDIT',
  delete: 'MANAGE',
  manage: 'MANAGE',
};

export function allows(permission: Permission, action: Action): boolean {
  if (action === 'notDenied') return permission !== 'DENY';
  return LEVELS.indexOf(permission) >= LEVELS.indexOf(LEAST[action]);
}

export function higherOf(a: Permission, b: Permission): Permission {
  return LEVELS.indexOf(a) >= LEVELS.indexOf(b) ? a : b;
}

/** What grants are about: those that are named one by one, and those that are granted all or none (`*`). */
const NAMED_TYPES = [
  'experiment',
  'registered_model',
  'prompt',
  'scorer',
  'gateway_secret',
  'gateway_endpoint',
  'gateway_model_definition',
  'mcp_server',
] as const;
const WHOLE_TYPES = [
  'workspace',
  'run',
  'trace',
  'assessment',
  'logged_model',
  'review_queue',
  'registered_model_version',
  'prompt_version',
  'scorer_version',
  'mcp_server_version',
] as const;
export type ResourceType = (typeof NAMED_TYPES)[number] | (typeof WHOLE_TYPES)[number];

const NAMED: ReadonlySet<string> = new Set(NAMED_TYPES);
const KNOWN: ReadonlySet<string> = new Set([...NAMED_TYPES, ...WHOLE_TYPES]);

export function canBeNamed(type: string): boolean {
  return NAMED.has(type);
}

/** @throws InvalidInput */
export function readResourceType(value: unknown): ResourceType {
  if (typeof value === 'string' && KNOWN.has(value)) return value as ResourceType;
  throw new InvalidInput(
    `\`${String(value)}\` is no type of resource: one of ${[...KNOWN].sort().join(', ')}`,
  );
}

/** @throws InvalidInput for what is no permission, and for one that this type cannot have. */
export function readPermission(value: unknown, type: ResourceType): Permission {
  const possible =
    type === 'workspace' ? ['MANAGE', 'USE'] : ['READ', 'USE', 'EDIT', 'MANAGE', 'DENY'];
  if (typeof value === 'string' && possible.includes(value)) return value as Permission;
  throw new InvalidInput(
    `\`${String(value)}\` is no permission for a ${type}: one of ${possible.join(', ')}`,
  );
}

/** @throws InvalidInput for a name where only `*` would ever be looked at. */
export function checkPattern(pattern: string, type: ResourceType): void {
  if (pattern === '*' || NAMED.has(type)) return;
  throw new InvalidInput(`\`${pattern}\`: for a ${type} there are grants for all (\`*\`) only`);
}

export function isDefaultPermission(value: string): value is Permission {
  return (LEVELS as readonly string[]).includes(value);
}
