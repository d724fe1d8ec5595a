export type { DatagramRefusal } from './datagram/datagram-seal.ts';
export type { SwimMembershipOptions, SwimTimings } from './options.ts';
export type { SwimStats } from './protocol/types.ts';
export type { SwimMembershipStats } from './stats.ts';
export { swimMembership, swimStats } from './swim-membership.ts';
