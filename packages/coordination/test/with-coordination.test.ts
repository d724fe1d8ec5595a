import type { Codec, CommittedCommand, StateMachine } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import {
  coordinationIn,
  rememberedRequests,
  type SharedReplicator,
  slotClaims,
  withCoordination,
} from '../src/index.ts';

const number: Codec<number> = {
  encode: (value) => new TextEncoder().encode(String(value)),
  decode: (bytes) => {
    const value = Number(new TextDecoder().decode(bytes));
    if (Number.isNaN(value)) throw new Error('no number');
    return value;
  },
};

/** A number to add to. */
class Sum implements StateMachine<number, number, number, number> {
  readonly version = 3;
  readonly codec = { command: number, result: number, query: number, answer: number };
  readonly batches: number[] = [];
  #sum = 0;

  apply(batch: readonly CommittedCommand<number>[]): readonly number[] {
    this.batches.push(batch.length);
    return batch.map(({ command }) => (this.#sum += command));
  }

  query(times: number): number {
    return this.#sum * times;
  }

  capture() {
    const bytes = number.encode(this.#sum);
    return {
      chunks: async function* chunks(): AsyncGenerator<Uint8Array> {
        for (const byte of bytes) yield Uint8Array.of(byte);
      },
      release: () => undefined,
    };
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const bytes: number[] = [];
    for await (const chunk of chunks) bytes.push(...chunk);
    this.#sum = number.decode(Uint8Array.from(bytes));
  }
}

/** The machine with commands that go through their bytes. */
function stage() {
  const sum = new Sum();
  const machine = withCoordination(sum);
  const { codec } = machine;
  type Command = Parameters<typeof codec.command.encode>[0];
  const run = (commands: readonly Command[]) => {
    const batch = commands.map((command, index) => {
      return { index, term: 1, time: index, command: codec.command.decode(codec.command.encode(command)) };
    });
    return machine.apply(batch).map((result) => codec.result.decode(codec.result.encode(result)));
  };
  const replicate = async (command: Command) => run([command])[0];
  const replicator = { replicate } as SharedReplicator<number, number, number, number>;
  return { sum, machine, run, replicator };
}

describe('coordination beside a program', () => {
  it('has each command go where it belongs, and each result come back', async () => {
    const { sum, machine, run, replicator } = stage();
    const open = { do: 'open', task: 't', token: '1', from: 5 } as const;
    expect(run([{ program: 2 }, { coordination: open }, { program: 3 }])).toEqual([
      { program: 2 },
      { coordination: { kind: 'record', record: { last: 5, outcome: 'skipped', starts: 0 } } },
      { program: 5 },
    ]);
    expect(sum.batches).toEqual([2]);
    expect(machine.query(10)).toBe(50);
    expect(machine.version).toBe(3);
    const claims = slotClaims(coordinationIn(replicator));
    expect(await claims.claim({ task: 't', slot: 7, token: 1n, after: 5 })).toBe(true);
    const memory = rememberedRequests(coordinationIn(replicator));
    expect(await memory.begin({ id: 'x', token: 1n, doubt: 0n })).toEqual({ kind: 'begun' });
  });

  it('comes back from a snapshot, however that is cut, or stays as it was', async () => {
    const { machine, run, replicator } = stage();
    run([{ program: 40 }]);
    await slotClaims(coordinationIn(replicator)).open('t', 4n, 9);
    const bytes: number[] = [];
    for await (const chunk of machine.capture().chunks({})) bytes.push(...chunk);
    const cut = async function* cut(length: number, to = bytes.length): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < to; at += length) yield Uint8Array.from(bytes.slice(at, Math.min(at + length, to)));
    };
    for (const length of [1, 7, 1000]) {
      const other = stage();
      await other.machine.restore(cut(length), { version: 3 });
      expect(other.machine.query(1)).toBe(40);
      const claims = slotClaims(coordinationIn(other.replicator));
      await expect(claims.open('t', 3n, 0)).rejects.toMatchObject({ code: 'STALE_TOKEN' });
      expect(await claims.open('t', 4n, 0)).toMatchObject({ last: 9 });

      await expect(other.machine.restore(cut(length, 3), { version: 3 })).rejects.toMatchObject({ code: 'CORRUPT' });
      bytes.push(120);
      await expect(other.machine.restore(cut(length), { version: 3 })).rejects.toThrow('no number');
      bytes.pop();
      expect(other.machine.query(1)).toBe(40);
      expect(await claims.open('t', 4n, 0)).toMatchObject({ last: 9 });
    }
  });
});
