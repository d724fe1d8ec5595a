import { ClusterError, type Codec } from '@quorate/core';
import type { Answer, Query } from './queries.ts';

/** Queries and answers are rare beside commands: JSON. */
export const queryCodec: Codec<Query> = {
  encode,
  decode: (bytes) => {
    const query = decode('broker query', bytes) as Partial<Extract<Query, { type: 'queue' }>> | null;
    const type: unknown = query?.type;
    if (type === 'queues' || type === 'topics') return { type };
    const queue: unknown = query?.queue;
    if (type === 'queue' && typeof queue === 'string') return { type, queue };
    throw new ClusterError('PROTOCOL', 'broker query: of an unknown kind');
  },
};

/** Answers come from members of the cluster, which are trusted to have made them as they should. */
export const answerCodec: Codec<Answer> = {
  encode,
  decode: (bytes) => {
    const answer = decode('broker answer', bytes) as Answer | null;
    if (answer?.type === 'queues' || answer?.type === 'topics') return answer;
    // An absent queue is no part of the JSON.
    if (answer?.type === 'queue') return { type: 'queue', queue: answer.queue };
    throw new ClusterError('PROTOCOL', 'broker answer: of an unknown kind');
  },
};

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function decode(what: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ClusterError('PROTOCOL', `${what}: not of its form`, { cause });
  }
}
