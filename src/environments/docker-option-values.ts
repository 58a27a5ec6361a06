import { InvalidInput } from '../core/errors.ts';
import type { DockerSettings } from './docker-arguments.ts';
import { parseBytes, parseInteger, parseSwitch } from './docker-quantity.ts';

/** `all`, a count, or `device=0,1`, as an Engine API DeviceRequest. */
export function describeGpus(text: string): object {
  const plain = text.replace(/^["']+|["']+$/g, '');
  const base = { Driver: '', Capabilities: [['gpu']] };
  if (plain === 'all') return { ...base, Count: -1 };
  if (/^\d+$/.test(plain)) return { ...base, Count: Number(plain) };
  const devices = /^"?device=([^"]+)"?$/.exec(plain)?.[1];
  if (devices !== undefined) return { ...base, DeviceIDs: devices.split(',') };
  throw new InvalidInput(`\`${text}\` is no choice of GPUs`, {
    hint: 'write gpus=all, gpus=2 or gpus=device=0,1',
  });
}

/** `/dev/host[:/dev/container[:rwm]]`, or a CDI name such as `nvidia.com/gpu=all`, which is left to runtimes. */
export function describeDevice(text: string): object {
  const [source = '', second, third] = text.split(':');
  const isPermission = second !== undefined && /^[rwm]+$/.test(second);
  return {
    PathOnHost: source,
    PathInContainer: isPermission || second === undefined ? source : second,
    CgroupPermissions: (isPermission ? second : third) ?? 'rwm',
  };
}

/** `nofile=1024:2048`: soft and hard limit; one number is both. */
export function describeUlimit(text: string): object {
  const [name = '', limits = ''] = text.split('=');
  const [soft = '', hard = soft] = limits.split(':');
  return { Name: name, Soft: parseInteger(soft), Hard: parseInteger(hard) };
}

/** `/run[:size=64m,mode=1777]` */
export function describeTmpfs(text: string): Record<string, string> {
  const [path = '', ...options] = text.split(':');
  return { [path]: options.join(':') };
}

const PORT = /^(?:(?:(\[[^\]]+\]|[\d.]+):)?(\d*):)?(\d+)(?:\/(tcp|udp|sctp))?$/;

/** `8080:80`, `127.0.0.1:8080:80/tcp`, `80` (any free port of ours). */
export function describePort(text: string): Partial<DockerSettings> {
  const match = PORT.exec(text);
  if (match === null) {
    throw new InvalidInput(`\`${text}\` is no port to publish`, {
      hint: 'write publish=8080:80 or publish=127.0.0.1:8080:80; ranges are not taken',
    });
  }
  const [, address = '', hostPort = '', containerPort, protocol = 'tcp'] = match;
  const port = `${containerPort}/${protocol}`;
  const binding = { HostIp: address.replace(/[[\]]/g, ''), HostPort: hostPort };
  return {
    container: { ExposedPorts: { [port]: {} } },
    hostConfig: { PortBindings: { [port]: [binding] } },
  };
}

/** `8080`, `53/udp`. */
export function describeExposedPort(text: string): object {
  const [, port, protocol = 'tcp'] = /^(\d+)(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [];
  if (port !== undefined) return { [`${port}/${protocol}`]: {} };
  throw new InvalidInput(`\`${text}\` is no port`, { hint: 'write expose=8080 or expose=53/udp' });
}

/** `type=bind,source=/a,target=/b,readonly`, fields as `docker run --mount` names them. */
export function describeMountOption(text: string): object {
  const fields = new Map(
    text.split(',').map((part): [string, string] => {
      const [name = '', ...rest] = part.split('=');
      return [name, rest.length === 0 ? 'true' : rest.join('=')];
    }),
  );
  const pick = (...names: string[]) => names.map((name) => fields.get(name)).find(Boolean);
  const target = pick('target', 'destination', 'dst');
  const unknown = [...fields.keys()].filter((name) => !MOUNT_FIELDS.includes(name));
  if (target === undefined || unknown.length > 0) {
    throw new InvalidInput(`\`${text}\` is no mount`, {
      hint: 'write mount=type=bind,source=/host/path,target=/container/path[,readonly]',
    });
  }
  const size = pick('tmpfs-size');
  return {
    Type: fields.get('type') ?? 'volume',
    Target: target,
    Source: pick('source', 'src') ?? '',
    ReadOnly: parseSwitch(pick('readonly', 'ro') ?? 'false'),
    ...(size === undefined ? {} : { TmpfsOptions: { SizeBytes: parseBytes(size) } }),
  };
}

const MOUNT_FIELDS = [
  'type',
  'source',
  'src',
  'target',
  'destination',
  'dst',
  'readonly',
  'ro',
  'tmpfs-size',
];
