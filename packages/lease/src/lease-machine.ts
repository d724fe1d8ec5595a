import type { ClusterContext, NodeId } from '@quorate/core';
import type { LeaseInstruments } from './lease-instruments.ts';
import type { LeaseTimings } from './lease-timings.ts';
import type { LeaseOutage } from './outage.ts';

/** What everything about one lease is done with. */
export interface LeaseMachine extends Pick<ClusterContext, 'clock' | 'random' | 'logger'> {
  readonly nodeId: NodeId;
  readonly timings: LeaseTimings;
  readonly outage: LeaseOutage;
  readonly instruments: LeaseInstruments;
}
