import type { CommittedCommand } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { History } from '../src/history.ts';
import { LedgerCopies } from '../src/ledger-copies.ts';
import { type LedgerLine, ReplicatedLedger, ticketId } from '../src/replicated-ledger.ts';
import type { Ticket } from '../src/ticket-office.ts';

const ticket = (node: string, token: bigint, serial: number): Ticket => ({
  id: ticketId(node, token, serial),
  node,
  token,
});
const committed = (...tickets: readonly Ticket[]): readonly CommittedCommand<Ticket>[] =>
  tickets.map((command, at) => ({ index: at + 1, term: 1, time: 0, command }));

describe('the ledger that the nodes keep', () => {
  it('numbers tickets, and refuses a token lower than it has seen', () => {
    const lines: LedgerLine[] = [];
    const ledger = new ReplicatedLedger((line) => lines.push(line));
    const verdicts = ledger.apply(committed(ticket('a', 2n, 1), ticket('b', 3n, 1), ticket('a', 2n, 2)));
    expect(verdicts).toEqual([
      { type: 'accepted', number: 1 },
      { type: 'accepted', number: 2 },
      { type: 'refused', highest: 3n },
    ]);
    expect(ledger.query()).toBe(2);
    expect(lines.map(({ position, count }) => [position, count])).toEqual([
      [1, 1],
      [2, 2],
      [3, 2],
    ]);
  });

  it('goes on from a copy of its state, however that is cut', async () => {
    const ledger = new ReplicatedLedger();
    ledger.apply(committed(ticket('a', 2n ** 60n, 1)));
    const source = ledger.capture();
    ledger.apply(committed(ticket('a', 2n ** 61n, 1)));
    const other = new ReplicatedLedger();
    await other.restore(bytewise(source.chunks({})), { version: other.version });
    source.release();
    expect(other.query()).toBe(1);
    expect(other.apply(committed(ticket('b', 1n, 1)))).toEqual([{ type: 'refused', highest: 2n ** 60n }]);
  });

  it('keeps which slots were claimed, in a copy of its state too', async () => {
    const open = { do: 'open', task: 'bell', token: '2', from: 0 } as const;
    const claim = { do: 'claim', task: 'bell', token: '2', after: 0, slot: 500 } as const;
    const apply = (to: ReplicatedLedger, command: typeof open | typeof claim) =>
      to.apply([{ index: 1, term: 1, time: 0, command }])[0];
    const ledger = new ReplicatedLedger();
    apply(ledger, open);
    expect(apply(ledger, claim)).toEqual({ kind: 'claimed' });
    const other = new ReplicatedLedger();
    await other.restore(bytewise(ledger.capture().chunks({})), { version: other.version });
    expect(apply(other, open)).toEqual({ kind: 'record', record: { last: 500, outcome: undefined, starts: 1 } });
  });

  it('keeps tokens and verdicts whole on their way', () => {
    const { codec } = new ReplicatedLedger();
    const sent = ticket('a', 2n ** 62n + 1n, 7);
    expect(codec.command.decode(codec.command.encode(sent))).toEqual(sent);
    const verdict = { type: 'refused', highest: 2n ** 62n + 1n } as const;
    expect(codec.result.decode(codec.result.encode(verdict))).toEqual(verdict);
  });
});

describe('the copies of the ledger', () => {
  const line = (position: number, of = ticket('a', 2n, position)): LedgerLine => ({
    position,
    ticket: of,
    verdict: { type: 'accepted', number: position },
    count: position,
  });
  const copied = (of: LedgerLine, isReplay = false) => ({ type: 'copied', at: 1, line: of, isReplay }) as const;

  it('tell of each line once, whichever has it first', () => {
    const history = new History();
    const copies = new LedgerCopies(history);
    copies.hear('a', copied(line(1)));
    copies.hear('b', copied(line(1)));
    copies.hear('b', copied(line(2)));
    copies.hear('a', copied(line(2), true));
    expect(history.events).toMatchObject([
      { source: 'ledger', type: 'accepted', number: 1, id: 'a-2-1' },
      { source: 'ledger', type: 'accepted', number: 2, id: 'a-2-2' },
    ]);
    expect([...copies.counts]).toEqual([
      ['a', 2],
      ['b', 2],
    ]);
    expect(copies.problems).toEqual([]);
  });

  it('say nothing of what an earlier run of the demo has written, but of all that comes then', () => {
    const history = new History();
    const copies = new LedgerCopies(history);
    for (const position of [5, 6]) copies.hear('a', copied(line(position), true));
    copies.hear('a', copied(line(7)));
    // All nodes were killed: who comes back first has a line that nobody had told of.
    copies.hear('b', copied(line(8), true));
    expect(history.events.map((event) => event.type === 'accepted' && 'number' in event && event.number)).toEqual([
      7, 8,
    ]);
  });

  it('must not differ', () => {
    const copies = new LedgerCopies(new History());
    copies.hear('a', copied(line(1)));
    copies.hear('b', copied(line(1, ticket('b', 3n, 1))));
    expect(copies.problems).toEqual(["line 1 is b-3-1, numbered 1 in b's copy, and a-2-1, numbered 1 in another"]);
  });
});

async function* bytewise(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) for (let at = 0; at < chunk.length; at += 1) yield chunk.subarray(at, at + 1);
}
