import { Command, InvalidArgumentError, Option } from 'commander';
import type { Tag } from '../../core/entities.ts';
import { RequirementFailed, UsageError } from '../../core/errors.ts';
import type { ModelVersion } from '../../core/model-registry.ts';
import type { Context } from '../../host/context.ts';
import type { RegistryStore } from '../../registry/store.ts';
import { createNameArgument, parseVersion } from '../model-versions/arguments.ts';
import { withRegistryStore } from '../registry-store.ts';
import { createTagOption } from '../tag-option.ts';

/** Where a version goes: into a stage that is in use, or under an alias. */
type Target =
  | { readonly kind: 'stage'; readonly stage: 'Staging' | 'Production' }
  | { readonly kind: 'alias'; readonly alias: string };

interface PromoteFlags {
  readonly version: number;
  readonly to: Target;
  readonly archiveExisting: boolean;
  readonly requireTag?: readonly Tag[];
}

/** `mlts models promote NAME --version N --to TARGET`: checked and moved in one step, for CI. */
export function createPromoteCommand(context: Context): Command {
  return new Command('promote')
    .description('move a version to a stage or give it an alias, if its tags say that it may')
    .addArgument(createNameArgument())
    .addOption(createNumberOption())
    .addOption(createTargetOption())
    .option('--archive-existing', 'archive the versions that are in that stage', false)
    .addOption(
      createTagOption(
        '--require-tag <key=value>',
        'what the version must have, else exit 3; repeatable',
      ),
    )
    .action(async (name: string, flags: PromoteFlags) => {
      if (flags.archiveExisting && flags.to.kind === 'alias') throw refuseArchiving();
      await withRegistryStore(context, (store) => promote(name, flags, store));
      context.terminal.note(`version ${flags.version} of \`${name}\` is ${describe(flags.to)} now`);
    });
}

function createNumberOption(): Option {
  return new Option('--version <number>', 'the version')
    .argParser(parseVersion)
    .makeOptionMandatory();
}

function createTargetOption(): Option {
  return new Option('--to <target>', 'Staging, Production or @ALIAS')
    .argParser(parseTarget)
    .makeOptionMandatory();
}

function parseTarget(text: string): Target {
  if (/^@./.test(text)) return { kind: 'alias', alias: text.slice(1) };
  const stage = (['Staging', 'Production'] as const).find(
    (known) => known.toLowerCase() === text.toLowerCase(),
  );
  if (stage !== undefined) return { kind: 'stage', stage };
  throw new InvalidArgumentError('It must be Staging, Production or @ALIAS.');
}

async function promote(name: string, flags: PromoteFlags, store: RegistryStore): Promise<void> {
  const { version, to, archiveExisting, requireTag = [] } = flags;
  checkTags(await store.getVersion(name, version), requireTag);
  if (to.kind === 'alias') return store.setAlias(name, to.alias, version);
  await store.moveVersion(name, version, { stage: to.stage, archivesExisting: archiveExisting });
}

/** @throws RequirementFailed for the first tag that is missing or has another value. */
function checkTags({ name, version, tags }: ModelVersion, required: readonly Tag[]): void {
  for (const { key, value } of required) {
    const found = tags.find((tag) => tag.key === key)?.value;
    if (found === value) continue;
    const is = found === undefined ? 'is missing' : `is \`${found}\``;
    throw new RequirementFailed(
      `version ${version} of \`${name}\` may not be promoted: tag \`${key}\` ${is}`,
      {
        hint: `it has to be \`${value}\`: mlts model-versions set-tag ${name} ${version} ${key} ${value}`,
      },
    );
  }
}

function describe(to: Target): string {
  return to.kind === 'stage' ? `in ${to.stage}` : `\`@${to.alias}\``;
}

function refuseArchiving(): UsageError {
  return new UsageError('--archive-existing goes with a stage, not with an alias', {
    hint: 'an alias leaves the version that had it by itself',
  });
}
