import type { LeaderInfo, MemberState, NodeId } from '@quorate/core';
import type { LedgerLine } from './replicated-ledger.ts';

/**
 * Milliseconds of the machine's monotonic clock: comparable across the processes of one machine, unlike the times of a
 * cluster's own clock.
 */
export type MachineMs = number;

export function machineNow(): MachineMs {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What a node tells of itself. A supervised one sends it over IPC, one on its own prints it. */
export type NodeReport =
  | { readonly type: 'started'; readonly at: MachineMs; readonly address: string }
  /** Whom this node is connected to now. */
  | { readonly type: 'peers'; readonly at: MachineMs; readonly connected: readonly NodeId[] }
  | { readonly type: 'leader'; readonly at: MachineMs; readonly leader: LeaderInfo | undefined }
  | { readonly type: 'granted'; readonly at: MachineMs; readonly token: bigint }
  /** `deadline` is final: the grant was valid until then, however late this is told. */
  | {
      readonly type: 'ended';
      readonly at: MachineMs;
      readonly token: bigint;
      readonly deadline: MachineMs;
      /** It was not renewed in time, as opposed to given up or taken over by a newer term. */
      readonly lapsed: boolean;
      readonly reason: string;
    }
  /** The grant was checked, and a ticket is being printed. `deadline` is the grant's so far. */
  | { readonly type: 'printing'; readonly at: MachineMs; readonly token: bigint; readonly deadline: MachineMs }
  | {
      readonly type: 'accepted';
      readonly at: MachineMs;
      readonly token: bigint;
      readonly id: string;
      readonly ticket: number;
    }
  | { readonly type: 'refused'; readonly at: MachineMs; readonly token: bigint; readonly highest: bigint }
  | { readonly type: 'ledger-failed'; readonly at: MachineMs; readonly message: string }
  /** The bell, for the slot of this wall time; `starts` counts from 1, and is more where a leader had died over it. */
  | {
      readonly type: 'rang';
      readonly at: MachineMs;
      readonly token: bigint;
      readonly slot: number;
      readonly starts: number;
    }
  /** This node's copy of the ledger has this line, from now on or, in a replay, as it had before it was restarted. */
  | { readonly type: 'copied'; readonly at: MachineMs; readonly line: LedgerLine; readonly isReplay: boolean }
  /** Where its discovery says that nodes are, as `host:port`, unless it fails. */
  | {
      readonly type: 'discovered';
      readonly at: MachineMs;
      readonly addresses: readonly string[];
      readonly problem: string | undefined;
    }
  /** What this node believes of another from now on. */
  | { readonly type: 'member'; readonly at: MachineMs; readonly about: NodeId; readonly state: MemberState }
  /** A connection from outside was refused. */
  | { readonly type: 'turned-away'; readonly at: MachineMs; readonly remote: string; readonly reason: string }
  | { readonly type: 'stopping'; readonly at: MachineMs }
  | { readonly type: 'stopped'; readonly at: MachineMs };

export type ReportSink = (report: NodeReport) => void;

/** One line for people. Undefined for what comes too often to be read. */
export function describeReport(report: NodeReport): string | undefined {
  switch (report.type) {
    case 'started':
      return `listening on ${report.address}`;
    case 'peers':
      return `connected to ${report.connected.length === 0 ? 'nobody' : report.connected.join(', ')}`;
    case 'leader':
      return report.leader === undefined
        ? 'no leader is known'
        : `${report.leader.nodeId} leads in term ${report.leader.token}`;
    case 'granted':
      return `this node leads in term ${report.token}`;
    case 'ended':
      return `no longer the leader of term ${report.token}: ${report.reason}`;
    case 'printing':
    case 'copied':
    case 'discovered':
      return undefined;
    case 'member':
      return `${report.about} is ${report.state}`;
    case 'turned-away':
      return report.reason;
    case 'accepted':
      return `ticket ${report.ticket} with token ${report.token}`;
    case 'refused':
      return `a ticket with token ${report.token} was refused: the ledger has seen ${report.highest}`;
    case 'rang':
      return `the bell was rung for ${timeText(report.slot)}${report.starts > 1 ? ', once more' : ''}`;
    case 'ledger-failed':
      return `the ledger did not answer: ${report.message}`;
    case 'stopping':
      return 'stopping';
    case 'stopped':
      return 'stopped';
  }
}

/** Of a wall time, what a clock shows. */
function timeText(time: number): string {
  return new Date(time).toISOString().slice(11, 21);
}
