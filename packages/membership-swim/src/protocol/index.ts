/**
 * @packageDocumentation
 *
 * The protocol's machine by itself, for simulators and benchmarks of this project that run thousands of it. Internal: programs
 * use `swimMembership`, and any version may change what is here.
 * @internal
 */
export { encodeStates } from './exchange-codec.ts';
export { tableOf } from './member-table.ts';
export type { Packet } from './messages.ts';
export { packetBytes } from './packet-codec.ts';
export { DEFAULT_SETTINGS, MEMBERLIST_LAN_SETTINGS, type SwimSettings } from './settings.ts';
export { Swim } from './swim.ts';
export type {
  Destination,
  MemberRecord,
  StateOfMember,
  StreamOutcome,
  SwimBase,
  SwimChange,
  SwimHost,
  SwimStats,
} from './types.ts';
