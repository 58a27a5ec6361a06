import { findLoggedModel } from '../../tracking/find-logged-model.ts';
import { listVersionOn } from '../../tracking/version-tag.ts';
import { list, requiredText, text } from '../checks.ts';
import { type Endpoint, rpc } from '../endpoint.ts';
import { readStage, readVersionNumber } from '../registry-values.ts';
import { writeModelVersion, writeVersionWithoutAliases } from '../registry-wire.ts';
import type { Services } from '../services.ts';
import {
  checkRegistrySearch,
  REGISTRY_SEARCH,
  readRegistrySearch,
  readTags,
  tag,
} from '../shared-fields.ts';
import { checkVersionSource, isPromptSource } from '../version-source.ts';
import { writeList, writeToken } from '../wire.ts';

const MOST_FOUND = 200_000;
const USUALLY_FOUND = 200_000;

const NAMED = { name: 'string', version: 'string' } as const;
const CHECK_NAMED = { name: requiredText, version: requiredText } as const;

export function listModelVersionEndpoints(services: Services): readonly Endpoint[] {
  return [createVersion(services), ...listReading(services), ...listChanging(services)];
}

function createVersion(services: Services): Endpoint {
  const { registry, tracking } = services;
  return rpc({
    rpc: 'createModelVersion',
    method: 'POST',
    path: '/mlflow/model-versions/create',
    fields: {
      name: 'string',
      source: 'string',
      run_id: 'string',
      tags: [tag],
      run_link: 'string',
      description: 'string',
      model_id: 'string',
    },
    checks: {
      name: requiredText,
      source: requiredText,
      run_id: text,
      tags: list,
      run_link: text,
      description: text,
      model_id: text,
    },
    handle: async ({ name = '', source = '', description = '', ...sent }) => {
      const said = { source, runId: sent.run_id, modelId: sent.model_id };
      const tags = readTags(sent.tags);
      const from = isPromptSource(source, tags) ? said : await checkVersionSource(said, services);
      // It may lie in another store than the registry, which does not find it then.
      const model = from.modelId ? await findLoggedModel(tracking, from.modelId) : undefined;
      const version = await registry.createVersion({
        ...from,
        // As MLflow has it: '' differs from every run, where nothing would be neither equal nor different.
        runId: from.runId || (model?.sourceRunId ?? ''),
        location: model?.artifactUri,
        name,
        runLink: sent.run_link ?? '',
        description,
        tags,
      });
      if (from.modelId) await listVersionOn(from.modelId, version, tracking);
      return { model_version: writeModelVersion(version) };
    },
  });
}

function listReading({ registry }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'getModelVersion',
      method: 'GET',
      path: '/mlflow/model-versions/get',
      fields: NAMED,
      checks: CHECK_NAMED,
      handle: async ({ name = '', version = '' }) => ({
        model_version: writeModelVersion(
          await registry.getVersion(name, readVersionNumber(version)),
        ),
      }),
    }),
    rpc({
      rpc: 'searchModelVersions',
      method: 'GET',
      path: '/mlflow/model-versions/search',
      fields: REGISTRY_SEARCH,
      checks: checkRegistrySearch(MOST_FOUND),
      handle: async (message) => {
        const { items, nextPageToken } = await registry.searchVersions(
          readRegistrySearch(message, USUALLY_FOUND),
        );
        return {
          ...writeList('model_versions', items, writeVersionWithoutAliases),
          ...writeToken(nextPageToken),
        };
      },
    }),
    rpc({
      rpc: 'getModelVersionDownloadUri',
      method: 'GET',
      path: '/mlflow/model-versions/get-download-uri',
      fields: NAMED,
      handle: async ({ name = '', version = '' }) => ({
        artifact_uri: await registry.getDownloadUri(name, readVersionNumber(version)),
      }),
    }),
  ];
}

function listChanging({ registry }: Services): readonly Endpoint[] {
  return [
    rpc({
      rpc: 'updateModelVersion',
      method: 'PATCH',
      path: '/mlflow/model-versions/update',
      fields: { ...NAMED, description: 'string' },
      checks: { ...CHECK_NAMED, description: text },
      handle: async ({ name = '', version = '', description }) => {
        const number = readVersionNumber(version);
        await registry.updateVersion(name, number, description);
        return { model_version: writeModelVersion(await registry.getVersion(name, number)) };
      },
    }),
    rpc({
      rpc: 'transitionModelVersionStage',
      method: 'POST',
      path: '/mlflow/model-versions/transition-stage',
      fields: { ...NAMED, stage: 'string', archive_existing_versions: 'bool' },
      checks: {
        ...CHECK_NAMED,
        stage: requiredText,
        archive_existing_versions: { kind: 'boolean' },
      },
      handle: async ({ name = '', version = '', stage = '', ...sent }) => ({
        model_version: writeModelVersion(
          await registry.moveVersion(name, readVersionNumber(version), {
            stage: readStage(stage),
            archivesExisting: sent.archive_existing_versions ?? false,
          }),
        ),
      }),
    }),
    rpc({
      rpc: 'deleteModelVersion',
      method: 'DELETE',
      path: '/mlflow/model-versions/delete',
      fields: NAMED,
      checks: CHECK_NAMED,
      handle: async ({ name = '', version = '' }) => {
        await registry.deleteVersion(name, readVersionNumber(version));
        return {};
      },
    }),
    rpc({
      rpc: 'setModelVersionTag',
      method: 'POST',
      path: '/mlflow/model-versions/set-tag',
      fields: { ...NAMED, key: 'string', value: 'string' },
      checks: { ...CHECK_NAMED, key: requiredText, value: text },
      handle: async ({ name = '', version = '', key = '', value = '' }) => {
        await registry.setVersionTag(name, readVersionNumber(version), { key, value });
        return {};
      },
    }),
    rpc({
      rpc: 'deleteModelVersionTag',
      method: 'DELETE',
      path: '/mlflow/model-versions/delete-tag',
      fields: { ...NAMED, key: 'string' },
      checks: { ...CHECK_NAMED, key: requiredText },
      handle: async ({ name = '', version = '', key = '' }) => {
        await registry.deleteVersionTag(name, readVersionNumber(version), key);
        return {};
      },
    }),
  ];
}
