import { isLocal } from '../../artifacts/artifact-uri.ts';
import type { Experiment, Metric, Run, RunInfo } from '../../core/entities.ts';
import { InvalidInput } from '../../core/errors.ts';
import type { LoggedModel } from '../../core/logged-model.ts';
import type { Page } from '../../core/page.ts';
import type { RegistryStore } from '../../registry/store.ts';
import type { LoggedModelStore, TrackingStore } from '../../tracking/store.ts';
import type { ArtifactAddresses } from './artifact-addresses.ts';

/** The store of a run as its command sees it: artifacts on this machine are called by their addresses outside. */
export function proxyTracking(
  store: TrackingStore,
  addresses: ArtifactAddresses,
  onMetrics: (metrics: readonly Metric[]) => void,
): TrackingStore {
  const showExperiment = async (experiment: Experiment): Promise<Experiment> => ({
    ...experiment,
    artifactLocation: await addresses.show(experiment.artifactLocation, experiment.id),
  });
  const showInfo = async (info: RunInfo): Promise<RunInfo> => ({
    ...info,
    artifactUri: await addresses.show(info.artifactUri, info.experimentId),
  });
  const showRun = async (run: Run): Promise<Run> => ({ ...run, info: await showInfo(run.info) });
  return overlay(store, {
    loggedModels: proxyModels(store.loggedModels, addresses),
    createExperiment: async (experiment) => {
      refusePlace(experiment.artifactLocation ?? '');
      return store.createExperiment(experiment);
    },
    getExperiment: async (id) => showExperiment(await store.getExperiment(id)),
    getExperimentByName: async (name) => {
      const found = await store.getExperimentByName(name);
      return found && showExperiment(found);
    },
    searchExperiments: async (search) =>
      showPage(await store.searchExperiments(search), showExperiment),
    createRun: async (run) => showRun(await store.createRun(run)),
    getRun: async (id) => showRun(await store.getRun(id)),
    updateRun: async (id, update) => showInfo(await store.updateRun(id, update)),
    searchRuns: async (search) => showPage(await store.searchRuns(search), showRun),
    logBatch: async (id, data) => {
      await store.logBatch(id, data);
      if (data.metrics !== undefined) onMetrics(data.metrics);
    },
  });
}

function proxyModels(store: LoggedModelStore, addresses: ArtifactAddresses): LoggedModelStore {
  const show = async (model: LoggedModel): Promise<LoggedModel> => ({
    ...model,
    artifactUri: await addresses.show(model.artifactUri, model.experimentId),
  });
  return overlay(store, {
    create: async (model) => show(await store.create(model)),
    get: async (id, options) => show(await store.get(id, options)),
    finalize: async (id, status) => show(await store.finalize(id, status)),
    search: async (search) => showPage(await store.search(search), show),
  });
}

/** Where a version's files lie is stored as it would be without the proxy. */
export function proxyRegistry(store: RegistryStore, addresses: ArtifactAddresses): RegistryStore {
  return overlay(store, {
    createVersion: async (version) =>
      store.createVersion({
        ...version,
        source: await addresses.keep(version.source),
        location: version.location && (await addresses.keep(version.location)),
      }),
    getDownloadUri: async (name, version) =>
      addresses.showAny(await store.getDownloadUri(name, version)),
  });
}

/** A command in a container could write wherever we may. @throws InvalidInput */
function refusePlace(location: string): void {
  if (location === '' || !isLocal(location)) return;
  throw new InvalidInput(
    `\`${location}\` cannot be an artifact location: a command that logs by way of the tracking proxy of mlts ` +
      'does not choose folders of this machine (--no-tracking-proxy)',
  );
}

async function showPage<T>(page: Page<T>, show: (item: T) => Promise<T>): Promise<Page<T>> {
  return { ...page, items: await Promise.all(page.items.map(show)) };
}

/** `store` with some of its members replaced. */
function overlay<T extends object>(store: T, own: Partial<T>): T {
  return new Proxy(store, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
