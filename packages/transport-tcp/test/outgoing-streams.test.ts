import { ClusterError } from '@quorate/core';
import { expect, it } from 'vitest';

import type { OutgoingFrame } from '../src/link.ts';
import type { Outlet } from '../src/outlet.ts';
import { OutgoingStreams } from '../src/outgoing-streams.ts';

const KIND = 1024;

/** The streams of a connection that ends when the protocol is broken. */
function streamsOf(sent: OutgoingFrame[] = []): { streams: OutgoingStreams; violations: string[] } {
  const violations: string[] = [];
  const outlet: Outlet = {
    peerId: 'b',
    maxPayloadBytes: 1024,
    offer: (frame) => sent.push(frame) > 0,
    push: (frame) => void sent.push(frame),
    idle: true,
    violated: (message) => {
      violations.push(message);
      streams.end(new ClusterError('DISCONNECTED', message));
    },
  };
  const streams = new OutgoingStreams(outlet, 4);
  return { streams, violations };
}

it('a stream that is acknowledged before it was accepted breaks the protocol, and whoever opens one is told', async () => {
  const { streams, violations } = streamsOf();
  const openings = [streams.open(KIND), streams.open(KIND)];
  streams.acknowledged(1);
  const outcomes = await Promise.allSettled(openings);
  expect(outcomes).toMatchObject([1, 2].map(() => ({ status: 'rejected', reason: { code: 'DISCONNECTED' } })));
  expect(violations).toEqual(['the stream 1 was acknowledged before it was accepted']);
});

it('a stream that is acknowledged before its end has been taken as it is', async () => {
  const { streams, violations } = streamsOf();
  const opening = streams.open(KIND);
  streams.credited(1, 100);
  const stream = await opening;
  streams.acknowledged(1);
  await stream.write(new Uint8Array(1000));
  await stream.end();
  expect(violations).toEqual([]);
});
