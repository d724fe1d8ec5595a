import { describe, expect, it } from 'vitest';
import { auditAcknowledged, auditBell, auditGrants, auditHistory, auditTickets } from '../src/audit.ts';
import { BELL_MS } from '../src/bell.ts';
import { type GrantRecord, History, type HistoryEvent } from '../src/history.ts';
import type { AcceptedTicket } from '../src/ledger.ts';

const ticket = (number: number, node: string, token: bigint): AcceptedTicket => ({
  type: 'accepted',
  at: number,
  number,
  node,
  token,
});
const grant = (node: string, token: bigint, beganAt: number, deadline: number): GrantRecord => ({
  node,
  token,
  beganAt,
  deadline,
  final: true,
});

describe('the audit of tickets', () => {
  it('finds nothing in what is right', () => {
    expect(auditTickets([ticket(1, 'a', 1n), ticket(2, 'a', 1n), ticket(3, 'b', 4n)])).toEqual([]);
  });

  it('finds a gap, a number given twice, a stale token and a token of two nodes', () => {
    expect(auditTickets([ticket(1, 'a', 1n), ticket(3, 'a', 1n)])).toEqual(['after ticket 1 came 3']);
    expect(auditTickets([ticket(1, 'a', 1n), ticket(1, 'a', 1n)])).toEqual(['after ticket 1 came 1']);
    expect(auditTickets([ticket(1, 'b', 2n), ticket(2, 'a', 1n)])).toEqual([
      'ticket 2 of a was accepted with token 1, after one with 2',
    ]);
    expect(auditTickets([ticket(1, 'a', 1n), ticket(2, 'b', 1n)])).toEqual(['token 1 was used by a and by b']);
  });
});

describe('the audit of the bell', () => {
  const ring = (slot: number, starts = 1, node = 'a') => ({ node, slot: BELL_MS * slot, starts });

  it('finds nothing where each slot was claimed once, be it rung again or begun again', () => {
    expect(auditBell([ring(1), ring(2), ring(2, 2, 'b'), ring(3, 2, 'b'), ring(4, 1, 'b')])).toEqual([]);
  });

  it('finds slots that were claimed twice, and that were lost', () => {
    expect(auditBell([ring(1), ring(1, 1, 'b')])).toEqual([`the slot ${BELL_MS} was claimed by a and by b`]);
    expect(auditBell([ring(1), ring(4)])).toEqual([`2 slots between ${BELL_MS} and ${4 * BELL_MS} were lost`]);
  });
});

describe('the audit of what was acknowledged', () => {
  const line = (number: number, id: string): AcceptedTicket => ({ ...ticket(number, 'a', 2n), id });
  const told = (id: string, number: number) => ({ node: 'a', id, ticket: number });

  it('finds nothing when each is there once, be it acknowledged or not', () => {
    const ledger = [line(1, 'a-2-1'), line(2, 'a-2-2'), line(3, 'b-3-1')];
    expect(auditAcknowledged(ledger, [told('a-2-1', 1), told('b-3-1', 3)])).toEqual([]);
    expect(auditAcknowledged([ticket(1, 'a', 1n)], [told('a-1-1', 1)])).toEqual([]);
  });

  it('finds what is lost, there twice, or under another number', () => {
    const ledger = [line(1, 'a-2-1'), line(2, 'a-2-1'), line(3, 'a-2-2')];
    expect(auditAcknowledged(ledger, [told('a-2-2', 4), told('a-2-3', 5)])).toEqual([
      'ticket a-2-1 was numbered twice: 1 and 2',
      'a was told that its ticket a-2-2 is number 4, and it is 3',
      'a was told that its ticket a-2-3 is number 5, and it is lost',
    ]);
  });

  it('does not judge what is older than all that it knows of the ledger', () => {
    expect(auditAcknowledged([line(7, 'a-2-7')], [told('a-2-6', 6), told('a-2-7', 7)])).toEqual([]);
  });
});

describe('the audit of grants', () => {
  it('finds nothing when each ended before the next began', () => {
    expect(auditGrants([grant('a', 1n, 0, 10), grant('b', 2n, 10, 20), grant('a', 5n, 25, 30)])).toEqual([]);
  });

  it('finds an overlap, and a token that was granted twice', () => {
    expect(auditGrants([grant('a', 1n, 0, 10), grant('b', 2n, 8.5, 20)])).toEqual([
      "a's grant of term 1 and b's of term 2 were valid at the same time, for 1.5 ms",
    ]);
    expect(auditGrants([grant('a', 1n, 0, 10), grant('b', 1n, 20, 30)])).toEqual(['token 1 was granted to a and to b']);
  });

  it('takes the deadlines from what the nodes told, also late', () => {
    const events: HistoryEvent[] = [
      { source: 'node', node: 'a', type: 'granted', at: 0, token: 1n },
      { source: 'node', node: 'a', type: 'printing', at: 5, token: 1n, deadline: 50 },
      { source: 'node', node: 'b', type: 'granted', at: 60, token: 2n },
    ];
    expect(auditHistory(events)).toEqual([]);
    const ended = { type: 'ended', at: 900, token: 1n, deadline: 61, lapsed: true, reason: '' } as const;
    expect(auditHistory([...events, { source: 'node', node: 'a', ...ended }])).toHaveLength(1);
  });
});

describe('the history', () => {
  const spawned = (node: string): HistoryEvent => ({ source: 'process', node, type: 'spawned', at: 0, pid: 1 });
  const node = (event: HistoryEvent) => ('node' in event ? event.node : '');

  it('finds what has happened since a mark, and what happens next', async () => {
    const history = new History();
    history.record(spawned('a'));
    const mark = history.mark;
    history.record(spawned('b'));
    expect(await history.until('b', 1000, node, mark)).toBe('b');
    const next = history.until('c', 1000, node);
    history.record(spawned('c'));
    expect(await next).toBe('c');
  });

  it('does not wait for ever, nor for a process that crashed', async () => {
    const history = new History();
    await expect(history.until('nothing', 1, node)).rejects.toThrow('nothing: it did not happen within 1 ms');
    const never = history.until('nothing', 60_000, () => undefined);
    const how = { code: 1, signal: undefined, expected: false, output: ['LOCKED: in use'] };
    history.record({ source: 'process', node: 'a', type: 'exited', at: 0, ...how });
    await expect(never).rejects.toThrow('node a ended by itself, with code 1\n  LOCKED: in use');
  });

  it('keeps a bounded past, and its marks', () => {
    const history = new History();
    for (let count = 0; count < 50_000; count += 1) history.record(spawned('a'));
    expect(history.events.length).toBeLessThanOrEqual(20_000);
    const mark = history.mark;
    history.record(spawned('b'));
    expect(history.since(mark).map(node)).toEqual(['b']);
  });
});
