import { connectionMembership, type Membership, type Plugin } from '@quorate/core';

/** How nodes know who is there: by the names of `--membership`. Only what is chosen is loaded. */
export const memberships = {
  connection: async () => connectionMembership(),
  heartbeat: async () => (await import('@quorate/membership-heartbeat')).heartbeatMembership(),
  swim: async () => (await import('@quorate/membership-swim')).swimMembership(),
} as const satisfies Readonly<Record<string, () => Promise<Plugin<Membership, 'membership'>>>>;

export type MembershipName = keyof typeof memberships;
