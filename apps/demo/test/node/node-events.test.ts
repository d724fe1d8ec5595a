import { type Cluster, ClusterError, type ClusterEvents, Emitter } from '@quorate/core';
import { expect, it } from 'vitest';
import type { BrokerReplicator } from '../../src/http/broker.ts';
import type { NodeEvent } from '../../src/http/node-event.ts';
import { NodeEvents } from '../../src/node/node-events.ts';

it('shows what others have said, and lets it do nothing to a terminal, a log or a page', () => {
  const told: NodeEvent[] = [];
  const events = new NodeEvents();
  events.on((event) => told.push(event));
  events.tell('refused', `it is of \u001B[2J\nall is well\r${'x'.repeat(10_000)}`);
  expect(told[0]?.text).toMatch(/^it is of [^\p{Cc}]*all is well/u);
  expect(told[0]?.text).not.toMatch(/\p{Cc}/u);
  expect(told[0]?.text.length).toBeLessThan(600);
});

it('names a connection that was refused once: what the error says is whole', () => {
  const told: string[] = [];
  const emitter = new Emitter<ClusterEvents>((error) => expect.unreachable(String(error)));
  const events = new NodeEvents();
  events.on(({ text }) => told.push(text));
  events.follow({ on: emitter.on.bind(emitter) } as unknown as Cluster<BrokerReplicator>);
  const remote = { host: '10.0.0.9', port: 7001 };
  const reason = 'refused a connection from 10.0.0.9:7001: it does not speak TLS';
  emitter.emit('connectionRefused', { remote, error: new ClusterError('REFUSED', reason) });
  expect(told).toEqual([reason]);
});
