import { describe, expect, test } from 'vitest';
import { parseDockerArguments } from '../../src/environments/docker-arguments.ts';

const place = { directory: '/project', env: { HOME: '/home/me', KEY: 'value' } };
const parse = (...pairs: [string, string | true][]) => parseDockerArguments(new Map(pairs), place);

describe('-A arguments become the Engine API’s fields', () => {
  test.each<[string, string | true, object]>([
    ['add-host', 'db:10.0.0.1', { ExtraHosts: ['db:10.0.0.1'] }],
    ['cap-add', 'SYS_PTRACE', { CapAdd: ['SYS_PTRACE'] }],
    ['cpus', '1.5', { NanoCpus: 1_500_000_000 }],
    ['cpu-shares', '512', { CpuShares: 512 }],
    ['cpuset-cpus', '0-3', { CpusetCpus: '0-3' }],
    ['device', '/dev/fuse', { Devices: [device('/dev/fuse', '/dev/fuse', 'rwm')] }],
    ['device', '/dev/a:/dev/b:r', { Devices: [device('/dev/a', '/dev/b', 'r')] }],
    ['gpus', 'all', { DeviceRequests: [{ Driver: '', Count: -1, Capabilities: [['gpu']] }] }],
    ['gpus', '2', { DeviceRequests: [{ Driver: '', Count: 2, Capabilities: [['gpu']] }] }],
    [
      'gpus',
      '"device=0,2"',
      { DeviceRequests: [{ Driver: '', DeviceIDs: ['0', '2'], Capabilities: [['gpu']] }] },
    ],
    ['init', 'false', { Init: false }],
    ['ipc', 'host', { IpcMode: 'host' }],
    ['m', '512m', { Memory: 512 * 2 ** 20 }],
    ['memory', '1.5g', { Memory: 1.5 * 2 ** 30 }],
    ['memory-swap', '-1', { MemorySwap: -1 }],
    ['mount', 'type=bind,src=/a,dst=/b,readonly', { Mounts: [bind('/a', '/b', true)] }],
    ['network', 'host', { NetworkMode: 'host' }],
    ['net', 'none', { NetworkMode: 'none' }],
    ['pid', 'host', { PidMode: 'host' }],
    ['privileged', true, { Privileged: true }],
    ['publish', '127.0.0.1:8080:80', { PortBindings: port('80/tcp', '127.0.0.1', '8080') }],
    ['p', '53/udp', { PortBindings: port('53/udp', '', '') }],
    ['read-only', true, { ReadonlyRootfs: true }],
    ['security-opt', 'seccomp=unconfined', { SecurityOpt: ['seccomp=unconfined'] }],
    ['shm-size', '2g', { ShmSize: 2 * 2 ** 30 }],
    ['tmpfs', '/run:size=64m', { Tmpfs: { '/run': 'size=64m' } }],
    ['ulimit', 'nofile=1024:2048', { Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 2048 }] }],
    ['volume', 'cache:/cache', { Binds: ['cache:/cache'] }],
    ['v', '/a:/b:z', { Binds: ['/a:/b:z'] }],
    ['annotation', 'team=ml', { Annotations: { team: 'ml' } }],
    ['blkio-weight', '300', { BlkioWeight: 300 }],
    ['cgroup-parent', '/ml', { CgroupParent: '/ml' }],
    ['cpu-period', '50000', { CpuPeriod: 50_000 }],
    ['cpu-quota', '25000', { CpuQuota: 25_000 }],
    ['device-cgroup-rule', 'c 1:3 mr', { DeviceCgroupRules: ['c 1:3 mr'] }],
    ['dns-option', 'ndots:2', { DnsOptions: ['ndots:2'] }],
    ['dns-search', 'example', { DnsSearch: ['example'] }],
    ['link', 'db:db', { Links: ['db:db'] }],
    ['log-driver', 'none', { LogConfig: { Type: 'none' } }],
    ['log-opt', 'max-size=10m', { LogConfig: { Config: { 'max-size': '10m' } } }],
    ['memory-swappiness', '0', { MemorySwappiness: 0 }],
    ['oom-kill-disable', true, { OomKillDisable: true }],
    ['oom-score-adj', '-500', { OomScoreAdj: -500 }],
    ['P', true, { PublishAllPorts: true }],
    ['storage-opt', 'size=20G', { StorageOpt: { size: '20G' } }],
    ['uts', 'host', { UTSMode: 'host' }],
    ['volume-driver', 'local', { VolumeDriver: 'local' }],
    ['volumes-from', 'data:ro', { VolumesFrom: ['data:ro'] }],
    ['rm', true, {}],
    ['restart', 'no', {}],
  ])('%s=%s', (name, value, hostConfig) => {
    expect(parse([name, value]).hostConfig).toEqual(hostConfig);
  });

  test.each<[string, string | true, object]>([
    ['entrypoint', '/bin/x', { Entrypoint: ['/bin/x'] }],
    ['h', 'box', { Hostname: 'box' }],
    ['label', 'a=b=c', { Labels: { a: 'b=c' } }],
    ['domainname', 'example', { Domainname: 'example' }],
    ['expose', '8080', { ExposedPorts: { '8080/tcp': {} } }],
    ['expose', '53/udp', { ExposedPorts: { '53/udp': {} } }],
    ['name', 'mine', { name: 'mine' }],
    ['no-healthcheck', true, { Healthcheck: { Test: ['NONE'] } }],
    ['stop-timeout', '5', { StopTimeout: 5 }],
    ['platform', 'linux/arm64', { platform: 'linux/arm64' }],
    ['t', true, { Tty: true }],
    ['interactive', 'true', { OpenStdin: true }],
    ['p', '8080:80', { ExposedPorts: { '80/tcp': {} } }],
  ])('%s=%s', (name, value, container) => {
    expect(parse([name, value]).container).toEqual(container);
  });

  test('what concerns the launch is kept apart', () => {
    const settings = parse(
      ['e', 'A=b=c'],
      ['env', 'KEY'],
      ['u', '1:2'],
      ['w', '/work'],
      ['v', './data:/data:ro'],
      ['volume', '~/models:/models'],
      ['env-file', 'settings.env'],
    );
    expect(settings).toMatchObject({
      env: { A: 'b=c', KEY: 'value' },
      user: '1:2',
      workingDirectory: '/work',
      environmentFile: '/project/settings.env',
      mounts: [
        { source: '/project/data', target: '/data', readOnly: true },
        { source: '/home/me/models', target: '/models', readOnly: false },
      ],
    });
  });

  test.each<[string, string | true, string]>([
    ['detach', true, '-A detach: not an option of `docker run` that mlts knows'],
    ['expose', 'web', '-A expose: `web` is no port'],
    ['memory', true, '-A memory: needs a value'],
    ['memory', '2 gigs', '-A memory: must be a size such as 512m or 2g, got `2 gigs`'],
    ['cpus', 'many', '-A cpus: must be a number such as 1.5, got `many`'],
    ['privileged', 'maybe', '-A privileged: must be true or false, got `maybe`'],
    ['gpus', 'some', '-A gpus: `some` is no choice of GPUs'],
    ['publish', '1-9:1-9', '-A publish: `1-9:1-9` is no port to publish'],
    ['volume', '/a:b', '-A volume: `/a:b` is not a volume'],
    ['volume', '$NONE/a:/b', '-A volume: the volume `$NONE/a:/b` needs the variable NONE'],
    ['restart', 'always', '-A restart: the container of a run is removed'],
    ['rm', 'false', '-A rm: the container of a run is always removed'],
  ])('%s=%s is refused', (name, value, message) => {
    expect(() => parse([name, value])).toThrow(message);
  });

  test('all problems are told at once, with the known options', () => {
    expect(() => parse(['x', true], ['cpus', 'y'])).toThrow(
      expect.objectContaining({
        problems: [
          expect.objectContaining({ hint: expect.stringContaining('gpus') }),
          expect.objectContaining({ message: expect.stringContaining('-A cpus') }),
        ],
      }),
    );
  });
});

function device(host: string, container: string, permissions: string): object {
  return { PathOnHost: host, PathInContainer: container, CgroupPermissions: permissions };
}

function bind(source: string, target: string, readOnly: boolean): object {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: readOnly };
}

function port(name: string, address: string, hostPort: string): object {
  return { [name]: [{ HostIp: address, HostPort: hostPort }] };
}
