import { type HostAddress, LOOPBACK } from '../../core/launch.ts';
import type { Docker } from './daemon.ts';

/** Docker Desktop's containers are in a virtual machine that passes this on to our loopback address. */
const DESKTOP: HostAddress = { listen: '127.0.0.1', name: 'host.docker.internal' };

/** Containers name their networks by themselves: by default it is this one. */
const DEFAULT_NETWORK = 'bridge';

/**
 * How a container in `network` (`''`: the default one) reaches a server on this machine: on a bridge by the
 * bridge's own address, where nobody from outside of this machine comes by.
 *
 * Undefined where it does not: without a network, in another container's, on another machine, and with a
 * rootless daemon, whose bridge is not ours.
 */
export async function findHostAddress(
  { engine, isLocal, isRootless }: Docker,
  network: string,
): Promise<HostAddress | undefined> {
  if (!isLocal || isRootless || network === 'none' || network.startsWith('container:')) {
    return undefined;
  }
  const info = (await engine.info()) as { readonly OperatingSystem?: string };
  if (info.OperatingSystem === 'Docker Desktop') return DESKTOP;
  if (network === 'host') return LOOPBACK;
  const name = ['', 'default'].includes(network) ? DEFAULT_NETWORK : network;
  const gateway = await findGateway(engine, name).catch(() => undefined);
  return gateway === undefined ? undefined : { listen: gateway, name: gateway };
}

/** IPv4: the addresses of networks with both are listed together. */
async function findGateway(engine: Docker['engine'], name: string): Promise<string | undefined> {
  const { IPAM } = await engine.getNetwork(name).inspect();
  const gateways = (IPAM?.Config ?? []).map(({ Gateway = '' }) => Gateway.replace(/\/\d+$/, ''));
  return gateways.find((gateway) => /^\d+(\.\d+){3}$/.test(gateway));
}
