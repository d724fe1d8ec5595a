import { type Cluster, ClusterError, type ClusterEvents, Emitter } from '@quorate/core';
import { describe, expect, it } from 'vitest';
import { EventLog } from '../src/event-log.ts';
import { tellEvents } from '../src/told-events.ts';
import { system } from './three-nodes.ts';

const never = new AbortController().signal;
const remote = { host: '10.0.0.9', port: 7001 };
const refused = (message: string) => ({ remote, error: new ClusterError('REFUSED', message) });

/** What is told of a cluster that does nothing but what the test says. */
function watched() {
  let now = 0;
  const events = new Emitter<ClusterEvents>((error) => expect.unreachable(String(error)));
  const { clock, random } = system;
  const cluster = {
    on: events.on.bind(events),
    system: { ...system, clock: { ...clock, now: () => now } },
    get replicator(): never {
      throw new ClusterError('UNSUPPORTED', 'there is none');
    },
  } as unknown as Cluster;
  const log = new EventLog(clock, random, 100);
  const telling = tellEvents(cluster, log);
  return {
    events,
    telling,
    pass: (ms: number) => (now += ms),
    told: async () => (await log.read({}, 0, never)).events.map(({ type, text }) => `${type}: ${text}`),
  };
}

describe('what was refused', () => {
  it('is told, be it a connection or a datagram, and neither keeps the other from being told', async () => {
    const { events, told } = watched();
    events.emit('connectionRefused', refused('refused a connection from 10.0.0.9:7001: it does not speak TLS'));
    events.emit('datagramRefused', refused('refused a datagram from 10.0.0.9:7001: it came before'));
    expect(await told()).toEqual([
      'refused: refused a connection from 10.0.0.9:7001: it does not speak TLS',
      'refused: refused a datagram from 10.0.0.9:7001: it came before',
    ]);
  });

  it('is told once in five seconds, with the number of those before', async () => {
    const { events, told, pass } = watched();
    for (let count = 0; count < 4; count += 1) events.emit('datagramRefused', refused('it came before'));
    pass(5000);
    events.emit('datagramRefused', refused('it came again'));
    expect(await told()).toEqual(['refused: it came before', 'refused: it came again (and 3 before it)']);
  });

  it('is not told any more once nobody is to be told', async () => {
    const { events, telling, told } = watched();
    telling[Symbol.dispose]();
    events.emit('connectionRefused', refused('it came too late'));
    events.emit('datagramRefused', refused('it came too late'));
    expect(await told()).toEqual([]);
  });
});
