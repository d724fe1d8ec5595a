import { type ClusterNode, describedNode, type Transport, type TransportContext } from '@quorate/core';
import { type MemoryNetwork, memoryNetwork, memoryTransport } from '@quorate/memory';
import { describe, expect, it } from 'vitest';

import { transportContract, type TransportHarness } from '../src/index.ts';
import { altered, failuresOf } from './recording-runner.ts';

type Change = (transport: Transport, context: TransportContext) => Partial<Transport>;
const ORDER = 'messages: arrive in the order they were sent, each once';

const breaches: readonly (readonly [breach: string, caughtBy: string, change: Change])[] = [
  ['reorders', ORDER, (transport) => ({ send: swapping(transport) })],
  [
    'sends twice',
    ORDER,
    (transport) => ({ send: (...message) => transport.send(...message) && transport.send(...message) }),
  ],
  [
    'says that all is sent',
    'messages: beyond the bound of the queue are refused, and accepted once it has drained',
    (transport) => ({
      send: (...message) => {
        transport.send(...message);
        return true;
      },
    }),
  ],
  [
    'reads the bytes of the sender too late',
    'messages: belong to the sender until they are sent, and to the receiver then',
    (transport, { clock }) => ({
      send: (...message) => {
        clock.defer(() => transport.send(...message));
        return true;
      },
    }),
  ],
  [
    'takes a second handler',
    'messages: have one handler a kind, until it is removed',
    (transport) => ({
      onMessage: (kind, handler) => {
        try {
          return transport.onMessage(kind, handler);
        } catch {
          return { [Symbol.dispose]: () => undefined };
        }
      },
    }),
  ],
  [
    'keeps to itself how it describes itself',
    'description: is told to a peer that is connected, once',
    (transport) => {
      let { self } = transport;
      return {
        get self(): ClusterNode {
          return { ...transport.self, ...self, port: transport.self.port };
        },
        describe: (description) => (self = describedNode(transport.self, description)),
      };
    },
  ],
  [
    'describes itself as it would after its end',
    'description: after dispose throws CLOSED, and is told nobody',
    (transport) => ({
      describe: (description) => {
        try {
          transport.describe?.(description);
        } catch {
          describedNode(transport.self, description);
        }
      },
    }),
  ],
  [
    'loses the code of an error',
    "requests: keep the code of the handler's error, and what else it throws is REMOTE",
    (transport) => ({
      onRequest: (kind, handler) =>
        transport.onRequest(kind, async (...request) => {
          try {
            return await handler(...request);
          } catch (error) {
            throw new Error(String(error), { cause: error });
          }
        }),
    }),
  ],
  [
    'does not pass the signal on',
    'requests: that the caller aborts are ABORTED, and the handler is told',
    (transport) => ({ request: (to, kind, payload) => transport.request(to, kind, payload) }),
  ],
  [
    'has no backpressure',
    'streams: hold the writer back while the reader is slow',
    (transport, { clock }) => ({
      openStream: async (...call) => {
        const stream = await transport.openStream(...call);
        let last: Promise<void> = Promise.resolve();
        return altered(stream, () => ({
          write: (chunk) => {
            last = last.then(() => stream.write(chunk));
            last.catch(() => undefined);
            return new Promise((resolve) => clock.defer(resolve));
          },
        }));
      },
    }),
  ],
  [
    'ends a stream before its handler has',
    'streams: carry chunks in order, and end when the handler has',
    (transport) => ({
      openStream: async (...call) => {
        const stream = await transport.openStream(...call);
        return altered(stream, () => ({ end: () => Promise.race([stream.end(), Promise.resolve()]) }));
      },
    }),
  ],
  [
    'forgets who went',
    'connections: disposing says goodbye',
    (transport) => ({
      peer: (id) => {
        const peer = transport.peer(id);
        return peer?.state === 'connected' ? peer : undefined;
      },
    }),
  ],
];

/** Holds every second message back until the next. */
function swapping(transport: Transport): Transport['send'] {
  let held: Parameters<Transport['send']> | undefined;
  return (...message) => {
    const before = held;
    held = before === undefined ? message : undefined;
    return before === undefined ? true : transport.send(...message) && transport.send(...before);
  };
}

function alteredTransport(change: Change): TransportHarness<MemoryNetwork> {
  return {
    name: 'transport-memory, altered',
    network: (world) => memoryNetwork(world === undefined ? {} : { route: world.route }),
    messageFaults: 'visible',
    create: (network) => {
      const plugin = memoryTransport({ network });
      return {
        ...plugin,
        create: (context) => altered(plugin.create(context), (transport) => change(transport, context)),
      };
    },
  };
}

describe('the suite for transports', () => {
  it('passes one that keeps the contract', async () => {
    const failures = await failuresOf((runner) =>
      transportContract(
        runner,
        alteredTransport(() => ({})),
      ),
    );
    expect([...failures]).toEqual([]);
  });
  for (const [breach, caughtBy, change] of breaches) {
    it(`catches one that ${breach}`, async () => {
      const failures = await failuresOf((runner) => transportContract(runner, alteredTransport(change)));
      expect([...failures.keys()]).toContain(caughtBy);
    });
  }
  it('catches one that lets messages be lost, doubled and overtaken', async () => {
    const harness: TransportHarness<MemoryNetwork> = { ...alteredTransport(() => ({})), messageFaults: 'masked' };
    const failures = await failuresOf((runner) => transportContract(runner, harness));
    expect([...failures.keys()]).toEqual([
      'messages: that are lost, doubled or overtaken on the way arrive at most once, and in order',
    ]);
  });
});
