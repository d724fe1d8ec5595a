import { isClusterError } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMachineHeader, readMachineHeader } from '../../src/commands/machine-header.ts';
import { ReplicatedMachine } from '../../src/commands/replicated-machine.ts';
import type { Admitted, Session } from '../../src/commands/session.ts';
import { SessionTable } from '../../src/commands/session-table.ts';
import { SkipSet } from '../../src/commands/skip-set.ts';
import { entryOf, plain } from './entries.ts';
import { inPieces, joined, Ledger } from './ledger.ts';

const results = fc.array(
  fc.tuple(fc.nat({ max: 2000 }), fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant('skipped' as const))),
  { maxLength: 5 },
);
const sessions = fc.array(fc.tuple(fc.integer({ min: 1, max: 10_000 }), fc.nat({ max: 900 }), results), {
  maxLength: 5,
});
const skips = fc.array(fc.record({ index: fc.integer({ min: 1, max: 500 }), place: fc.nat({ max: 9 }) }));

const header = fc
  .tuple(sessions, skips, fc.nat(), fc.double({ min: 0, max: 1e15, noNaN: true }))
  .map(([sessions, skips, term, time]) => {
    const table = new SessionTable();
    table.advance(time);
    for (const [ttlMs, settled, results] of sessions) {
      const sessionId = table.open(ttlMs) as number;
      for (const [sequence, result] of results) {
        const admission = table.admit({ sessionId, sequence, settled });
        if (admission.kind === 'apply') table.remember(admission.admitted, result);
      }
    }
    return { index: 500, term, time, machineVersion: 3, skips: new SkipSet(skips), sessions: table };
  });

async function read(bytes: Uint8Array, sizes: readonly number[] = [bytes.length + 1]) {
  return await readMachineHeader(inPieces([bytes], sizes));
}

/** A header, or an error that says why not. */
async function expectHeaderOrRefusal(bytes: Uint8Array): Promise<void> {
  try {
    const { header } = await read(bytes);
    expect(header.sessions.sessions().length).toBeLessThanOrEqual(10_000);
  } catch (error) {
    expect(isClusterError(error, 'CORRUPT') || isClusterError(error, 'UNSUPPORTED')).toBe(true);
  }
}

describe('the header of a snapshot', () => {
  it('is read as it was written, however it is cut, and leaves what is behind it', async () => {
    await fc.assert(
      fc.asyncProperty(
        header,
        fc.uint8Array({ maxLength: 9 }),
        fc.integer({ min: 1, max: 40 }),
        async (header, tail, size) => {
          const bytes = encodeMachineHeader(header);
          const chunks = inPieces([bytes, tail], [size]);
          const read = await readMachineHeader(chunks);
          expect(encodeMachineHeader(read.header)).toEqual(bytes);
          expect(read.header.sessions.sessions()).toEqual(header.sessions.sessions());
          expect(new Uint8Array([...read.behind, ...(await joined(chunks))])).toEqual(tail);
        },
      ),
    );
  });

  it('is refused when it is cut off or changed, or read as something sound', async () => {
    await fc.assert(
      fc.asyncProperty(header, fc.nat(), fc.nat({ max: 255 }), async (header, at, byte) => {
        const bytes = encodeMachineHeader(header);
        await expect(read(bytes.subarray(0, at % bytes.length))).rejects.toMatchObject({ code: 'CORRUPT' });
        bytes[at % bytes.length] = byte;
        await expectHeaderOrRefusal(bytes);
      }),
    );
  });

  it('is refused when it is chance', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 50 }), async (bytes) => {
        await expectHeaderOrRefusal(bytes);
        await expectHeaderOrRefusal(Uint8Array.of(1, 0, 0, 0, bytes.length, ...bytes));
      }),
    );
  });

  it('is refused before it is gathered when it claims to be longer than any', async () => {
    let chunks = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff);
      for (; chunks < 1000; chunks += 1) yield new Uint8Array(1024);
    }
    await expect(readMachineHeader(endless())).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(chunks).toBe(0);
  });

  it('is refused with bytes too many in it, or sessions that no table has', async () => {
    const about = { index: 9, term: 1, time: 0, machineVersion: 1, skips: new SkipSet() };
    const session = (id: number, settled: number, sequence: number): Session => {
      const session = { id, ttlMs: 10, lastSeen: 0, settled, admitted: new Map<number, Admitted>(), isOpen: true };
      session.admitted.set(sequence, { session, sequence, remembered: 'skipped' });
      return session;
    };
    const longer = Uint8Array.of(...encodeMachineHeader({ ...about, sessions: new SessionTable() }), 0);
    longer[4] = (longer[4] ?? 0) + 1;
    await expect(read(longer)).rejects.toMatchObject({ code: 'CORRUPT' });
    for (const [nextId, sessions] of [
      [3, [session(2, 0, 1), session(1, 0, 1)]],
      [2, [session(2, 0, 1)]],
      [3, [session(1, 5, 4)]],
    ] as const) {
      const bytes = encodeMachineHeader({ ...about, sessions: new SessionTable(nextId, sessions) });
      await expect(read(bytes)).rejects.toMatchObject({
        code: 'CORRUPT',
        message: expect.stringContaining('out of order'),
      });
    }
    const ahead = encodeMachineHeader({
      ...about,
      skips: new SkipSet([{ index: 10, place: 0 }]),
      sessions: new SessionTable(),
    });
    await expect(read(ahead)).rejects.toMatchObject({ code: 'CORRUPT' });
  });
});

describe('a restore', () => {
  const entries = [entryOf(1, [plain('a'), { kind: 'open-session', ttlMs: 5 }], 9), entryOf(2, [plain('b')], 10)];

  async function snapshot(version: number): Promise<Uint8Array> {
    const machine = new ReplicatedMachine(() => new Ledger({ version }));
    machine.apply(entries);
    return joined(machine.capture().chunks({}));
  }

  it('takes over what an earlier version of the machine has left, and tells which', async () => {
    const told: number[] = [];
    const machine = new ReplicatedMachine(() => {
      const ledger = new Ledger({ version: 3 });
      const restore = ledger.restore.bind(ledger);
      return Object.assign(ledger, {
        restore: (chunks: AsyncIterable<Uint8Array>, { version }: { readonly version: number }) => {
          told.push(version);
          return restore(chunks);
        },
      });
    });
    await machine.restore(inPieces([await snapshot(2)], [3]));
    expect(told).toEqual([2]);
    expect(machine.query('lines')).toBe('a@1/1/9\nb@2/1/10');
    expect(machine.applied).toEqual({ index: 2, term: 1, time: 10 });
  });

  it('refuses what a later version has left, and what is damaged, and stays as it was', async () => {
    const machine = new ReplicatedMachine(() => new Ledger({ version: 1 }));
    machine.apply([entryOf(1, [plain('mine')], 4)]);
    const before = await joined(machine.capture().chunks({}));
    await expect(machine.restore(inPieces([await snapshot(2)], [64]))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: 'the snapshot is of version 2 of the state machine, this node has version 1',
    });
    const content = await snapshot(1);
    await expect(machine.restore(inPieces([content.subarray(0, -1)], [64]))).rejects.toThrow();
    await expect(machine.restore(inPieces([content.subarray(0, 10)], [64]))).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(await joined(machine.capture().chunks({}))).toEqual(before);
  });

  it('closes the chunks that it does not read', async () => {
    let isClosed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Uint8Array.of(9, 9, 9);
      } finally {
        isClosed = true;
      }
    }
    const machine = new ReplicatedMachine(() => new Ledger());
    await expect(machine.restore(endless())).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(isClosed).toBe(true);
  });
});
