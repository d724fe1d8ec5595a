import {
  type Address,
  ClusterError,
  type ClusterPlan,
  type ClusterNode,
  formatAddress,
  isLoopback,
  type Membership,
  type Plugin,
  type Security,
} from '@quorate/core';

import { SwimMembershipHost } from './membership-host.ts';
import { settingsFrom, type SwimMembershipOptions, type SwimMembershipSettings } from './options.ts';
import { MAX_NODE_BYTES_IN_GOSSIP, nodeBytes } from './protocol/state-codec.ts';
import type { SwimMembershipStats } from './stats.ts';

const MAX_PORT = 65_535;

/**
 * The membership for thousands of nodes: SWIM with Lifeguard.
 * @throws ClusterError `INVALID_OPTIONS`, naming the option; `createCluster` (and `create`) throw it when the node's
 * description is too large for a datagram, when the transport is not on the network and `datagrams` is `udp`, and when a port that others reach is to be bound and the cluster has no secret,
 * unless it is `insecure`
 */
export function swimMembership(options: SwimMembershipOptions = {}): Plugin<Membership, 'membership'> {
  const settings = settingsFrom(options);
  return {
    name: 'membership-swim',
    kind: 'membership',
    requires: ['transport'],
    check: (plan) => {
      checkPlan(plan, settings);
      checkTransport(plan.parts, settings);
    },
    create: (context) => {
      // Again, for those who make the membership without createCluster.
      checkPlan(context, settings);
      return new SwimMembershipHost(context, settings);
    },
  };
}

/** What a membership that `swimMembership` made has counted; undefined of another. */
export function swimStats(membership: Membership): SwimMembershipStats | undefined {
  return membership instanceof SwimMembershipHost ? membership.stats : undefined;
}

/** A probe of the machine's network says nothing about a transport that isn't there. */
function checkTransport(parts: ClusterPlan['parts'], { datagrams }: SwimMembershipSettings): void {
  const transport = parts.find(({ kind }) => kind === 'transport');
  if (datagrams !== 'udp' || transport?.provides?.includes('secured-streams') === true) return;
  const why = `${transport?.name ?? 'this transport'} has no streams on the network that could be secured`;
  throw new ClusterError('INVALID_OPTIONS', `swimMembership: datagrams must be 'transport', because ${why}`);
}

interface Plan {
  readonly self: ClusterNode;
  readonly bind: Address;
  readonly security: Security;
}

function checkPlan({ self, bind, security }: Plan, { datagrams }: SwimMembershipSettings): void {
  // A port that the system has yet to choose may be one of the longest.
  const bytes = nodeBytes(self.port === 0 ? { ...self, port: MAX_PORT } : self);
  if (bytes > MAX_NODE_BYTES_IN_GOSSIP) {
    const message = `swimMembership: metadata must be smaller: this node's description has ${bytes} bytes`;
    throw new ClusterError('INVALID_OPTIONS', `${message}, and ${MAX_NODE_BYTES_IN_GOSSIP} fit into a rumour`);
  }
  const isOpen = security.keyring === undefined && !security.insecure && !isLoopback(bind.host);
  if (datagrams !== 'udp' || !isOpen) return;
  throw new ClusterError(
    'INVALID_OPTIONS',
    `swimMembership: bind must be loopback, because datagrams are not authenticated, got ${formatAddress(bind)}; ` +
      'give the cluster a secret or a keyring (beside certificates too, which secure streams only), ' +
      "or datagrams: 'transport', or set insecure: true where the network itself keeps strangers out",
  );
}
