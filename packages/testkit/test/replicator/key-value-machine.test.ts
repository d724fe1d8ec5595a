import type { CommittedCommand } from '@quorate/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkLinearizable } from '../../src/index.ts';
import {
  type AppliedCommand,
  type KeyValueCommand,
  KeyValueMachine,
  type KeyValueResult,
} from '../../src/replicator/key-value-machine.ts';
import { type KeyValueCall, keyValueModel } from '../../src/replicator/key-value-model.ts';
import { ReplicaAudit } from '../../src/replicator/replica-audit.ts';
import { op } from '../linearizability/operations.ts';

const key = fc.constantFrom('x', 'y');
const value = fc.string({ maxLength: 5 });
const command: fc.Arbitrary<KeyValueCommand> = fc.oneof(
  fc.record({ type: fc.constant('put'), key, value }),
  fc.record({ type: fc.constant('append'), key, value }),
  fc.record({ type: fc.constant('cas'), key, expected: fc.option(value), value }),
  fc.record({ type: fc.constant('next'), key: fc.constant('n') }),
);
const commands = fc.array(command, { maxLength: 30 });

function committed(given: readonly KeyValueCommand[], from = 0): readonly CommittedCommand<KeyValueCommand>[] {
  return given.map((each, at) => ({ index: from + at + 1, term: 1, time: from + at, command: each }));
}

function call(calledAt: number, input: KeyValueCall, result: KeyValueResult) {
  return op<KeyValueCall, KeyValueResult>('a', [calledAt, calledAt + 1], input, result);
}

describe('the machine of the suite for replicators', () => {
  it('does what its model says, and what it returns is a linearizable history', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const machine = new KeyValueMachine();
        const results = machine.apply(committed(given));
        const calls = given.map((each, at) => call(2 * at, each, results[at] ?? null));
        const reads = ['x', 'y', 'n'].map((name) => {
          const query = { type: 'get', key: name } as const;
          return call(100, query, machine.query(query));
        });
        expect(checkLinearizable(keyValueModel, [...calls, ...reads]).verdict).toBe('linearizable');
      }),
    );
  });

  it('goes on from a snapshot as the one that it was captured from', async () => {
    await fc.assert(
      fc.asyncProperty(commands, commands, async (before, after) => {
        const [one, other] = [new KeyValueMachine(), new KeyValueMachine()];
        one.apply(committed(before));
        const source = one.capture();
        const expected = one.apply(committed(after, before.length));
        other.apply(committed([{ type: 'put', key: 'z', value: 'to be forgotten' }]));
        await other.restore(source.chunks({}));
        expect(other.apply(committed(after, before.length))).toEqual(expected);
        expect([other.count, other.digest]).toEqual([one.count, one.digest]);
        expect(other.query({ type: 'get', key: 'z' })).toBeNull();
      }),
    );
  });

  it('has codecs that refuse what is not theirs', () => {
    const { codec } = new KeyValueMachine();
    fc.assert(
      fc.property(command, (each) => {
        expect(codec.command.decode(codec.command.encode(each))).toEqual(each);
      }),
    );
    expect(() => codec.command.encode({ type: 'nonsense', key: 'x' } as never)).toThrow('no command');
    expect(() => codec.command.decode(new Uint8Array([1, 2, 3]))).toThrow();
    expect(() => codec.query.decode(codec.command.encode({ type: 'next', key: 'n' }))).toThrow('no query');
    expect(() => codec.answer.encode(7 as never)).toThrow('no answer');
  });

  it('throws at the command that it is to fail at', () => {
    expect(() => new KeyValueMachine().apply(committed([{ type: 'fail', key: 'x' }]))).toThrow('as it was told to');
  });
});

describe('the audit of replicas', () => {
  const first: AppliedCommand = { number: 1, index: 5, term: 2, time: 7, digest: 1 };
  const second: AppliedCommand = { number: 2, index: 6, term: 2, time: 7, digest: 2 };

  it('accepts the same commands on each, also when they are applied again', () => {
    const audit = new ReplicaAudit();
    for (const by of ['a', 'b', 'a']) {
      const tell = audit.listener(by);
      tell(first);
      tell(second);
    }
    const behindSnapshot = audit.listener('c');
    behindSnapshot(second);
    expect(() => audit.check()).not.toThrow();
  });

  it.each([
    ['another command', { ...second, digest: 3 }],
    ['another index', { ...second, index: 7 }],
    ['another term', { ...second, term: 3 }],
    ['another time', { ...second, time: 8 }],
  ])('refuses %s under the same number', (_what, different) => {
    const audit = new ReplicaAudit();
    audit.listener('a')(second);
    audit.listener('b')(different);
    expect(() => audit.check()).toThrow('where a had applied command 2');
  });

  it.each([
    ['index', { ...second, index: 4 }],
    ['term', { ...second, term: 1 }],
    ['time', { ...second, time: 6 }],
  ])('refuses a smaller %s behind a greater one', (_what, falling) => {
    const audit = new ReplicaAudit();
    const tell = audit.listener('a');
    tell(first);
    tell(falling);
    expect(() => audit.check()).toThrow('after command 1');
  });
});
