import { resolve } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import type { DockerArgumentPlace, DockerSettings } from './docker-arguments.ts';
import {
  describeDevice,
  describeExposedPort,
  describeGpus,
  describeMountOption,
  describePort,
  describeTmpfs,
  describeUlimit,
} from './docker-option-values.ts';
import { parseBytes, parseInteger, parseNanoCpus } from './docker-quantity.ts';
import { parseVolume } from './docker-volume.ts';

type Effect = Partial<DockerSettings>;

/** One option of `docker run`: its long name first. */
export type DockerOption =
  | {
      readonly kind: 'switch';
      readonly names: readonly string[];
      apply(isOn: boolean): Effect;
    }
  | {
      readonly kind: 'value';
      readonly names: readonly string[];
      apply(text: string, place: DockerArgumentPlace): Effect;
    };

/**
 * The options of `docker run` that mlts translates, with the Engine API's field for each
 * (docker/cli `cli/command/container/opts.go`).
 */
export const DOCKER_OPTIONS: readonly DockerOption[] = [
  hostList('add-host', 'ExtraHosts'),
  host('annotation', 'Annotations', readPair),
  host('blkio-weight', 'BlkioWeight', parseInteger),
  hostList('cap-add', 'CapAdd'),
  hostList('cap-drop', 'CapDrop'),
  host('cgroup-parent', 'CgroupParent'),
  host('cgroupns', 'CgroupnsMode'),
  host('cpu-period', 'CpuPeriod', parseInteger),
  host('cpu-quota', 'CpuQuota', parseInteger),
  host('cpu-shares,c', 'CpuShares', parseInteger),
  host('cpus', 'NanoCpus', parseNanoCpus),
  host('cpuset-cpus', 'CpusetCpus'),
  host('cpuset-mems', 'CpusetMems'),
  hostList('device', 'Devices', describeDevice),
  hostList('device-cgroup-rule', 'DeviceCgroupRules'),
  hostList('dns', 'Dns'),
  hostList('dns-option,dns-opt', 'DnsOptions'),
  hostList('dns-search', 'DnsSearch'),
  container('domainname', 'Domainname'),
  value('entrypoint', (text) => ({ container: { Entrypoint: text === '' ? [''] : [text] } })),
  value('env,e', readVariable),
  value('env-file', (text, { directory }) => ({ environmentFile: resolve(directory, text) })),
  value('expose', (text) => ({ container: { ExposedPorts: describeExposedPort(text) } })),
  hostList('gpus', 'DeviceRequests', describeGpus),
  hostList('group-add', 'GroupAdd'),
  container('hostname,h', 'Hostname'),
  flag('init', (isOn) => ({ hostConfig: { Init: isOn } })),
  flag('interactive,i', (isOn) => ({ container: { OpenStdin: isOn } })),
  host('ipc', 'IpcMode'),
  value('label,l', (text) => ({ container: { Labels: readPair(text) } })),
  hostList('link', 'Links'),
  value('log-driver', (text) => ({ hostConfig: { LogConfig: { Type: text } } })),
  value('log-opt', (text) => ({ hostConfig: { LogConfig: { Config: readPair(text) } } })),
  host('memory,m', 'Memory', parseBytes),
  host('memory-reservation', 'MemoryReservation', parseBytes),
  host('memory-swap', 'MemorySwap', (text) => (text === '-1' ? -1 : parseBytes(text))),
  host('memory-swappiness', 'MemorySwappiness', parseInteger),
  hostList('mount', 'Mounts', describeMountOption),
  container('name', 'name'),
  host('network,net', 'NetworkMode'),
  flag('no-healthcheck', (isOn) => ({
    container: isOn ? { Healthcheck: { Test: ['NONE'] } } : {},
  })),
  flag('oom-kill-disable', (isOn) => ({ hostConfig: { OomKillDisable: isOn } })),
  host('oom-score-adj', 'OomScoreAdj', parseInteger),
  host('pid', 'PidMode'),
  host('pids-limit', 'PidsLimit', parseInteger),
  value('platform', (text) => ({ platform: text, container: { platform: text } })),
  flag('privileged', (isOn) => ({ hostConfig: { Privileged: isOn } })),
  value('publish,p', describePort),
  flag('publish-all,P', (isOn) => ({ hostConfig: { PublishAllPorts: isOn } })),
  flag('read-only', (isOn) => ({ hostConfig: { ReadonlyRootfs: isOn } })),
  value('restart', refuseRestart),
  flag('rm', refuseToKeep),
  host('runtime', 'Runtime'),
  hostList('security-opt', 'SecurityOpt'),
  host('shm-size', 'ShmSize', parseBytes),
  container('stop-signal', 'StopSignal'),
  container('stop-timeout', 'StopTimeout', parseInteger),
  host('storage-opt', 'StorageOpt', readPair),
  value('sysctl', (text) => ({ hostConfig: { Sysctls: readPair(text) } })),
  value('tmpfs', (text) => ({ hostConfig: { Tmpfs: describeTmpfs(text) } })),
  flag('tty,t', (isOn) => ({ container: { Tty: isOn } })),
  hostList('ulimit', 'Ulimits', describeUlimit),
  value('user,u', (text) => ({ user: text })),
  host('userns', 'UsernsMode'),
  host('uts', 'UTSMode'),
  value('volume,v', readVolume),
  host('volume-driver', 'VolumeDriver'),
  hostList('volumes-from', 'VolumesFrom'),
  value('workdir,w', (text) => ({ workingDirectory: text })),
];

function value(
  names: string,
  apply: (text: string, place: DockerArgumentPlace) => Effect,
): DockerOption {
  return { kind: 'value', names: names.split(','), apply };
}

function flag(names: string, apply: (isOn: boolean) => Effect): DockerOption {
  return { kind: 'switch', names: names.split(','), apply };
}

function container(
  names: string,
  field: string,
  parse: (text: string) => unknown = (text) => text,
): DockerOption {
  return value(names, (text) => ({ container: { [field]: parse(text) } }));
}

function host(
  names: string,
  field: string,
  parse: (text: string) => unknown = (text) => text,
): DockerOption {
  return value(names, (text) => ({ hostConfig: { [field]: parse(text) } }));
}

function hostList(
  names: string,
  field: string,
  parse: (text: string) => unknown = (text) => text,
): DockerOption {
  return value(names, (text) => ({ hostConfig: { [field]: [parse(text)] } }));
}

function readPair(text: string): Record<string, string> {
  const [name = '', ...rest] = text.split('=');
  return { [name]: rest.join('=') };
}

/** `NAME=value`, or `NAME` to copy ours; a name that is not set here is left out, as docker does. */
function readVariable(text: string, { env }: DockerArgumentPlace): Effect {
  if (text.includes('=')) return { env: readPair(text) };
  const ours = env[text];
  return ours === undefined ? {} : { env: { [text]: ours } };
}

/** A volume of `-A volume` or of a `docker_env`. @throws InvalidInput as `parseVolume`. */
export function readVolume(text: string, { directory, env }: DockerArgumentPlace): Effect {
  const volume = parseVolume(text, directory, env);
  return volume.kind === 'mount'
    ? { mounts: [volume.mount] }
    : { hostConfig: { Binds: [volume.bind] } };
}

function refuseRestart(text: string): Effect {
  if (text === 'no') return {};
  throw new InvalidInput('the container of a run is removed at its end and never restarted', {
    hint: 'leave it out',
  });
}

function refuseToKeep(isOn: boolean): Effect {
  if (isOn) return {};
  throw new InvalidInput('the container of a run is always removed at its end', {
    hint: 'leave it out; mount a folder with `-A volume=...` for what is to be kept',
  });
}
