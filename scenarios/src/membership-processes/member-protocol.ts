import type { MemberState } from '@quorate/core';

/** By what a process is started, as JSON in its only argument. */
export interface MemberSettings {
  readonly id: string;
  /** Of streams and of datagrams. */
  readonly port: number;
  readonly secret?: string;
  /** As the option of `swimMembership`. */
  readonly connectAllUpTo?: number;
}

export type MemberCommand =
  | { readonly type: 'begin'; readonly seedNodes: readonly string[] }
  /** From now on nothing goes to or comes from whoever listens at these ports. */
  | { readonly type: 'cut'; readonly ports: readonly number[] }
  | { readonly type: 'heal' }
  | { readonly type: 'sample' };

/** Of one process since it began, all counted below the membership and above encryption of streams. */
export interface MemberSample {
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly datagrams: number;
  readonly datagramBytes: number;
  readonly streamWrites: number;
  readonly streamBytes: number;
}

/** `at`: milliseconds of the machine's monotonic clock, which all its processes share. */
export type MemberReport = { readonly at: number } & (
  | { readonly type: 'ready' }
  | { readonly type: 'running' }
  /** What has become of others since the last report, by id. */
  | { readonly type: 'seen'; readonly states: Readonly<Record<string, MemberState>> }
  | ({ readonly type: 'sample' } & MemberSample)
);

/** Milliseconds of the machine's monotonic clock. */
export function machineTime(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
