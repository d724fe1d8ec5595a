import type { ClusterNode } from '@quorate/core';
import fc from 'fast-check';
import type { Message, Packet } from '../../src/protocol/messages.ts';
import type { Evidence, StateOfMember } from '../../src/protocol/types.ts';

const MAX_NUMBER = 2 ** 48;

const number = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: MAX_NUMBER }));
export const nodeId: fc.Arbitrary<string> = fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}[a-z0-9]$/u);
const address = fc.record({
  host: fc.constantFrom('10.0.0.1', 'n-1.example', '2001:db8::1', 'localhost'),
  port: fc.integer({ min: 1, max: 65_535 }),
});
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const evidence = fc.constantFrom<Evidence>('silent', 'stalled', 'refused', 'closed');
const version = { epoch: number, run: number, refutation: number };

const node: fc.Arbitrary<ClusterNode> = fc
  .tuple(
    fc.record(
      {
        id: nodeId,
        zone: text,
        region: text,
        weight: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
        metadata: fc.dictionary(text, text, { maxKeys: 5, noNullPrototype: true }),
      },
      { requiredKeys: ['id'] },
    ),
    address,
  )
  .map(([described, at]) => ({ ...described, ...at }));

function stateOf(states: fc.Arbitrary<StateOfMember['state']>): fc.Arbitrary<StateOfMember> {
  return fc
    .record(
      {
        node,
        address: fc.option(address, { nil: undefined }),
        state: states,
        incarnation: number,
        epoch: number,
        refutation: number,
        joinOrder: number,
        evidence,
      },
      { requiredKeys: ['node', 'address', 'state', 'incarnation', 'epoch', 'refutation', 'joinOrder'] },
    )
    .map((made) => {
      const { host, port } = made.node;
      return { ...made, id: made.node.id, address: made.address ?? { host, port } };
    });
}

const accused: fc.Arbitrary<StateOfMember> = fc
  .tuple(stateOf(fc.constantFrom('suspect', 'unreachable', 'left')), fc.nat({ max: MAX_NUMBER }))
  .map(([made, by]) => {
    const { epoch, incarnation: run, refutation } = made;
    return refutation === 0 ? made : { ...made, describedIn: { epoch, run, refutation: by % refutation } };
  });

export const state: fc.Arbitrary<StateOfMember> = fc.oneof(
  stateOf(fc.constantFrom('alive', 'suspect', 'unreachable', 'left')),
  accused,
);

const accusation = { id: nodeId, ...version, by: nodeId, evidence };

export const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('ping' as const), sequence: number, target: nodeId }),
  fc.record({ type: fc.constant('ack' as const), sequence: number, loopDelayMs: fc.nat({ max: 100_000 }) }),
  fc.record({ type: fc.constant('ping-request' as const), sequence: number, target: nodeId, run: number, address }),
  fc.record({ type: fc.constantFrom('nack' as const, 'leave' as const, 'leave-ack' as const), sequence: number }),
  fc.record({ type: fc.constant('introduce' as const) }),
  fc.record({ type: fc.constant('vouch' as const), id: nodeId, run: number }),
  fc.record({ type: fc.constant('dispute' as const), id: nodeId, holder: address }),
  fc.record({ type: fc.constant('alive' as const), member: stateOf(fc.constant('alive')) }),
  fc.record(
    {
      type: fc.constant('suspect' as const),
      ...accusation,
      aside: fc.constantFrom('question' as const, 'answer' as const),
    },
    { requiredKeys: ['type', 'id', 'epoch', 'run', 'refutation', 'by', 'evidence'] },
  ),
  fc.record({ type: fc.constant('unreachable' as const), ...accusation }),
  fc.record({ type: fc.constant('left' as const), id: nodeId, ...version }),
  fc.record({
    type: fc.constant('user' as const),
    topic: fc.integer({ min: 1, max: 255 }),
    payload: fc.uint8Array({ maxLength: 512 }),
  }),
);

export const packet: fc.Arbitrary<Packet> = fc.record({
  sender: nodeId,
  run: number,
  messages: fc.array(message, { maxLength: 6 }),
});
