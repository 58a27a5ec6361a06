import { InvalidInput, NotFound } from '../../core/errors.ts';
import { MODEL_STAGES, type ModelStage } from '../../core/model-registry.ts';
import type { RegistryStore } from '../../registry/store.ts';
import { list, requiredText, text, texts } from '../checks.ts';
import { type Endpoint, rpc } from '../endpoint.ts';
import { readStage, readVersionNumber } from '../registry-values.ts';
import { writeModelVersion, writeRegisteredModel } from '../registry-wire.ts';
import type { Services } from '../services.ts';
import {
  checkRegistrySearch,
  REGISTRY_SEARCH,
  readRegistrySearch,
  readTags,
  tag,
} from '../shared-fields.ts';
import { writeList, writeToken } from '../wire.ts';

const MOST_FOUND = 1_000;
const USUALLY_FOUND = 100;

export function listRegisteredModelEndpoints(services: Services): readonly Endpoint[] {
  return [
    ...listReading(services),
    ...listChanging(services),
    ...listTagging(services),
    ...listAliases(services),
  ];
}

function listReading({ registry }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'getRegisteredModel',
      method: 'GET',
      path: '/mlflow/registered-models/get',
      fields: { name: 'string' },
      checks: { name: requiredText },
      handle: async ({ name = '' }) => ({
        registered_model: writeRegisteredModel(await registry.getModel(name)),
      }),
    }),
    rpc({
      rpc: 'searchRegisteredModels',
      method: 'GET',
      path: '/mlflow/registered-models/search',
      fields: REGISTRY_SEARCH,
      checks: checkRegistrySearch(MOST_FOUND),
      handle: async (message) => {
        const { items, nextPageToken } = await registry.searchModels(
          readRegistrySearch(message, USUALLY_FOUND),
        );
        return {
          ...writeList('registered_models', items, writeRegisteredModel),
          ...writeToken(nextPageToken),
        };
      },
    }),
    ...(['GET', 'POST'] as const).map((method) =>
      rpc({
        rpc: 'getLatestVersions',
        method,
        path: '/mlflow/registered-models/get-latest-versions',
        fields: { name: 'string', stages: ['string'] },
        checks: { name: requiredText, stages: texts },
        handle: async ({ name = '', stages = [] }) => {
          const wanted: readonly ModelStage[] =
            stages.length === 0 ? MODEL_STAGES : stages.map(readStage);
          const { latestVersions } = await registry.getModel(name);
          const found = latestVersions.filter(({ stage }) => wanted.includes(stage));
          return writeList('model_versions', found, writeModelVersion);
        },
      }),
    ),
  ];
}

function listChanging({ registry }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'createRegisteredModel',
      method: 'POST',
      path: '/mlflow/registered-models/create',
      fields: { name: 'string', tags: [tag], description: 'string' },
      checks: { name: requiredText, tags: list, description: text },
      handle: async ({ name = '', tags, description }) => ({
        registered_model: writeRegisteredModel(
          await registry.createModel({ name, tags: readTags(tags), description }),
        ),
      }),
    }),
    rpc({
      rpc: 'renameRegisteredModel',
      method: 'POST',
      path: '/mlflow/registered-models/rename',
      fields: { name: 'string', new_name: 'string' },
      checks: { name: requiredText, new_name: requiredText },
      handle: async ({ name = '', new_name: newName = '' }) => {
        await registry.renameModel(name, newName);
        return { registered_model: writeRegisteredModel(await registry.getModel(newName)) };
      },
    }),
    rpc({
      rpc: 'updateRegisteredModel',
      method: 'PATCH',
      path: '/mlflow/registered-models/update',
      fields: { name: 'string', description: 'string' },
      checks: { name: requiredText, description: text },
      handle: async ({ name = '', description = '' }) => {
        await registry.updateModel(name, description);
        return { registered_model: writeRegisteredModel(await registry.getModel(name)) };
      },
    }),
    rpc({
      rpc: 'deleteRegisteredModel',
      method: 'DELETE',
      path: '/mlflow/registered-models/delete',
      fields: { name: 'string' },
      checks: { name: requiredText },
      handle: async ({ name = '' }) => {
        await registry.deleteModel(name);
        return {};
      },
    }),
  ];
}

function listTagging({ registry }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'setRegisteredModelTag',
      method: 'POST',
      path: '/mlflow/registered-models/set-tag',
      fields: { name: 'string', key: 'string', value: 'string' },
      checks: { name: requiredText, key: requiredText, value: text },
      handle: async ({ name = '', key = '', value = '' }) => {
        await registry.setModelTag(name, { key, value });
        return {};
      },
    }),
    rpc({
      rpc: 'deleteRegisteredModelTag',
      method: 'DELETE',
      path: '/mlflow/registered-models/delete-tag',
      fields: { name: 'string', key: 'string' },
      checks: { name: requiredText, key: requiredText },
      handle: async ({ name = '', key = '' }) => {
        await registry.deleteModelTag(name, key);
        return {};
      },
    }),
  ];
}

function listAliases({ registry }: Services): readonly Endpoint[] {
  const path = '/mlflow/registered-models/alias';
  return [
    rpc({
      rpc: 'setRegisteredModelAlias',
      method: 'POST',
      path,
      fields: { name: 'string', alias: 'string', version: 'string' },
      checks: { name: requiredText, alias: requiredText, version: requiredText },
      handle: async ({ name = '', alias = '', version = '' }) => {
        await registry.setAlias(name, alias, readVersionNumber(version));
        return {};
      },
    }),
    rpc({
      rpc: 'deleteRegisteredModelAlias',
      method: 'DELETE',
      path,
      fields: { name: 'string', alias: 'string' },
      checks: { name: requiredText, alias: requiredText },
      handle: async ({ name = '', alias = '' }) => {
        await registry.deleteAlias(name, alias);
        return {};
      },
    }),
    rpc({
      rpc: 'getModelVersionByAlias',
      method: 'GET',
      path,
      fields: { name: 'string', alias: 'string' },
      checks: { name: requiredText, alias: requiredText },
      handle: async ({ name = '', alias = '' }) => {
        const version = await findAlias(registry, name, alias);
        return { model_version: writeModelVersion(await registry.getVersion(name, version)) };
      },
    }),
  ];
}

/**
 * `latest` is the highest number. @throws InvalidInput for an alias that is not there: MLflow has it so. NotFound where
 * there are no versions.
 */
async function findAlias(registry: RegistryStore, name: string, alias: string): Promise<number> {
  const { aliases, latestVersions } = await registry.getModel(name);
  if (alias.toLowerCase() === 'latest') {
    if (latestVersions.length === 0) throw new NotFound(`model \`${name}\` has no versions`);
    return Math.max(...latestVersions.map(({ version }) => version));
  }
  const version = aliases.find((own) => own.alias === alias)?.version;
  if (version !== undefined) return version;
  throw new InvalidInput(`model \`${name}\` has no alias \`${alias}\``);
}
