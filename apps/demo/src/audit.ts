import type { NodeId } from '@quorate/core';
import { BELL_MS } from './bell.ts';
import { type GrantRecord, grantsOf, type HistoryEvent } from './history.ts';
import type { AcceptedTicket } from './ledger.ts';

/** Everything that may never be so, whatever was done to the cluster. Each problem is a sentence; none is good. */
export function auditHistory(events: readonly HistoryEvent[]): readonly string[] {
  const tickets = events.flatMap((event) => (event.source === 'ledger' && event.type === 'accepted' ? [event] : []));
  const promised = acknowledgedTickets(events);
  return [
    ...auditTickets(tickets),
    ...auditAcknowledged(tickets, promised),
    ...auditGrants(grantsOf(events)),
    ...auditBell(ringsOf(events)),
  ];
}

/** A ticket whose leader was told that it is numbered. */
export interface AcknowledgedTicket {
  readonly node: NodeId;
  readonly id: string;
  readonly ticket: number;
}

export function acknowledgedTickets(events: readonly HistoryEvent[]): readonly AcknowledgedTicket[] {
  return events.flatMap((event) => (event.source === 'node' && event.type === 'accepted' ? [event] : []));
}

/** In a replicated ledger each ticket is there once, under the number that its leader was told, if it was told one. */
export function auditAcknowledged(
  tickets: readonly AcceptedTicket[],
  acknowledged: readonly AcknowledgedTicket[],
): readonly string[] {
  const problems: string[] = [];
  const numbers = new Map<string, number>();
  for (const { id, number } of tickets) {
    if (id === undefined) return [];
    const other = numbers.get(id);
    if (other !== undefined) problems.push(`ticket ${id} was numbered twice: ${other} and ${number}`);
    numbers.set(id, number);
  }
  // Of a demo that is watched for days, the oldest tickets are not known any more.
  const first = tickets[0]?.number ?? Infinity;
  for (const { node, id, ticket } of acknowledged) {
    if (ticket >= first && numbers.get(id) !== ticket) {
      problems.push(
        `${node} was told that its ticket ${id} is number ${ticket}, and it is ${numbers.get(id) ?? 'lost'}`,
      );
    }
  }
  return problems;
}

/** Numbers are consecutive, tokens never decrease, and no two nodes used one token. */
export function auditTickets(tickets: readonly AcceptedTicket[]): readonly string[] {
  const problems: string[] = [];
  const holders = new Map<bigint, NodeId>();
  let previous: AcceptedTicket | undefined = undefined;
  for (const ticket of tickets) {
    const holder = holders.get(ticket.token) ?? ticket.node;
    holders.set(ticket.token, holder);
    if (holder !== ticket.node) problems.push(`token ${ticket.token} was used by ${holder} and by ${ticket.node}`);
    if (previous !== undefined) problems.push(...compareTickets(previous, ticket));
    previous = ticket;
  }
  return problems;
}

/** No two grants have one token, and each has ended before the next one began. */
export function auditGrants(grants: readonly GrantRecord[]): readonly string[] {
  return grants.slice(1).flatMap((next, index) => {
    const grant = grants[index];
    if (grant === undefined) return [];
    if (grant.token === next.token) return [`token ${grant.token} was granted to ${grant.node} and to ${next.node}`];
    const overlapMs = grant.deadline - next.beganAt;
    if (overlapMs <= 0) return [];
    const which = `${grant.node}'s grant of term ${grant.token} and ${next.node}'s of term ${next.token}`;
    return [`${which} were valid at the same time, for ${overlapMs.toFixed(1)} ms`];
  });
}

/** The bell, rung by a node for a slot. */
export interface Ring {
  readonly node: NodeId;
  readonly slot: number;
  readonly starts: number;
}

export function ringsOf(events: readonly HistoryEvent[]): readonly Ring[] {
  return events.flatMap((event) => (event.source === 'node' && event.type === 'rang' ? [event] : []));
}

/** Each slot was rung for, from the first to the last, and twice only where it was begun anew. */
export function auditBell(rings: readonly Ring[]): readonly string[] {
  const problems: string[] = [];
  const seen = new Map<string, NodeId>();
  for (const { node, slot, starts } of rings) {
    const other = seen.get(`${slot} ${starts}`);
    if (other !== undefined) problems.push(`the slot ${slot} was claimed by ${other} and by ${node}`);
    seen.set(`${slot} ${starts}`, node);
  }
  const slots = [...new Set(rings.map(({ slot }) => slot))].toSorted((a, b) => a - b);
  slots.slice(1).forEach((slot, index) => {
    const before = slots[index] ?? slot;
    const lost = (slot - before) / BELL_MS - 1;
    if (lost !== 0) problems.push(`${lost} slots between ${before} and ${slot} were lost`);
  });
  return problems;
}

function compareTickets(previous: AcceptedTicket, ticket: AcceptedTicket): readonly string[] {
  const problems: string[] = [];
  if (ticket.number !== previous.number + 1) problems.push(`after ticket ${previous.number} came ${ticket.number}`);
  if (ticket.token < previous.token) {
    const stale = `ticket ${ticket.number} of ${ticket.node} was accepted with token ${ticket.token}`;
    problems.push(`${stale}, after one with ${previous.token}`);
  }
  return problems;
}
