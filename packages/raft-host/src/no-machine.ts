import { ClusterError, type Codec, type StateMachine } from '@quorate/core';

const nothing: Codec<never> = {
  encode: () => new Uint8Array(),
  decode: () => {
    throw new ClusterError('UNSUPPORTED', 'this group takes no commands: it has no state machine on this node');
  },
};

async function* noChunks(): AsyncGenerator<Uint8Array> {}

const machine: StateMachine<never, never, never, never> = {
  version: 1,
  codec: { command: nothing, result: nothing, query: nothing, answer: nothing },
  apply: () => [],
  query: () => {
    throw new ClusterError('UNSUPPORTED', 'this group has no state');
  },
  capture: () => ({ chunks: noChunks, release: () => undefined }),
  restore: async (chunks) => {
    for await (const chunk of chunks) {
      if (chunk.length > 0) throw new ClusterError('CORRUPT', 'a group without a state has a snapshot of one');
    }
  },
};

/** Of a group that only elects: it takes no commands. It has no state either, so one is all groups'. */
export function noMachine(): StateMachine<never, never, never, never> {
  return machine;
}
