import { memoryDisk, memoryStorage } from '@quorate/memory';
import type { RecordStore } from '@quorate/core';
import { createWorld } from '@quorate/simulator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeGroupState, encodeGroupState } from '../../src/group-state.ts';
import { type LossNote, readLossNote, refusePending, writeLossNote } from '../../src/repair/loss-note.ts';
import { decodeRepairRequest, encodeRepairRequest } from '../../src/repair/repair-request.ts';

const NOTE: LossNote = { reason: 'x: at offset 5', copy: 'ab12', isPending: true, dropsLog: false, repaired: [1, 7] };
const RECORD = 'raft-log-loss';

/** With the records of a node. */
async function withRecords<T>(act: (records: RecordStore) => Promise<T>): Promise<T> {
  const world = createWorld({ seed: 'records' });
  const host = world.host('a');
  const done = new Promise<T>((resolve, reject) => {
    host.start(async (system) => {
      const storage = memoryStorage({ disk: memoryDisk() }).create({ ...system, nodeId: 'a' });
      await storage.open();
      act(storage.records).then(resolve, reject);
    });
  });
  return world.settled(done, 5000);
}

describe('a request for a place', () => {
  it('says how long it may take, within bounds, and anything else is no such request', () => {
    expect(decodeRepairRequest(encodeRepairRequest(5000))).toBe(5000);
    expect(decodeRepairRequest(encodeRepairRequest(2 ** 32 - 1))).toBe(60_000);
    const others = fc.uint8Array({ maxLength: 12 }).filter((bytes) => bytes.length !== 5 || bytes[0] !== 1);
    fc.assert(
      fc.property(others, (bytes) => {
        expect(() => decodeRepairRequest(bytes)).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
      }),
    );
  });
});

describe('the note of a lost log', () => {
  it('is read as it was written, and forbids to open what is left while it is pending', async () => {
    const [before, after] = await withRecords(async (records) => {
      const first = await readLossNote(records);
      await writeLossNote(records, NOTE);
      return [first, await readLossNote(records)];
    });
    expect(before).toBeUndefined();
    expect(after).toEqual(NOTE);
    expect(() => refusePending(NOTE)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
    expect(() => refusePending({ ...NOTE, isPending: false })).not.toThrow();
    expect(() => refusePending(undefined)).not.toThrow();
  });

  it.each([
    ['CORRUPT', 'no note'],
    ['CORRUPT', '{"version":1,"reason":3}'],
    ['UNSUPPORTED', '{"version":2}'],
  ])('is %s when it is %s', async (code, text) => {
    const read = withRecords(async (records) => {
      await records.write(RECORD, new TextEncoder().encode(text));
      return readLossNote(records);
    });
    await expect(read).rejects.toMatchObject({ code });
  });
});

describe('the state of a group', () => {
  it('says that what it was is lost, and knows no other flags', () => {
    const lost = {
      disk: 'd'.repeat(32),
      identity: undefined,
      isRemoved: false,
      isLost: true as const,
      term: 0,
      vote: 0,
    };
    expect(decodeGroupState(encodeGroupState(lost))).toEqual(lost);
    const bytes = encodeGroupState(lost);
    bytes[bytes.length - 1] = 4;
    expect(() => decodeGroupState(bytes)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });
});
