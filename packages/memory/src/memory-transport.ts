import { checkOptions, invalidOption, type OptionRules, type Plugin, rule, type Transport } from '@quorate/core';

import { HubTransport } from './hub-transport.ts';
import { Hub, type MemoryNetwork } from './memory-network.ts';

/** How soon a lost peer is dialled again. */
export interface ReconnectOptions {
  /**
   * The first delay before a contact is dialled again, before jitter.
   * @default 1000
   */
  readonly minMs?: number;
  /**
   * No delay is longer.
   * @default 30000
   */
  readonly maxMs?: number;
}

/** What `memoryTransport` is told. */
export interface MemoryTransportOptions {
  /** Where it meets its peers. */
  readonly network: MemoryNetwork;
  /** Delays between attempts to reach a contact; success resets them. */
  readonly reconnect?: ReconnectOptions;
  /**
   * A connection on which nothing was heard for so long has ended. Idle ends ping four times as often.
   * @default 5000
   */
  readonly silenceMs?: number;
  /**
   * The most bytes of messages and requests under way to one peer; beyond it they are refused.
   * @default 4194304
   */
  readonly maxQueueBytes?: number;
  /**
   * The most bytes of one stream that its reader has not taken.
   * @default 262144
   */
  readonly windowBytes?: number;
}

const reconnectRules: OptionRules<ReconnectOptions> = {
  minMs: rule.duration({ min: 1, max: 3_600_000 }),
  maxMs: rule.duration({ min: 1, max: 3_600_000 }),
};

const rules: OptionRules<MemoryTransportOptions> = {
  network: rule.value<MemoryNetwork>('made by memoryNetwork()', (value) => value instanceof Hub),
  reconnect: rule.group('memoryTransport reconnect', reconnectRules),
  silenceMs: rule.duration({ min: 1, max: 3_600_000 }),
  maxQueueBytes: rule.integer({ min: 1024, max: 1_073_741_824 }),
  windowBytes: rule.integer({ min: 1, max: 1_073_741_824 }),
};

/**
 * A transport whose peers are in the same program.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function memoryTransport(options: MemoryTransportOptions): Plugin<Transport, 'transport'> {
  const checked = checkOptions('memoryTransport', rules, options);
  // Whatever the types say: a program in JavaScript may have left it out.
  const { network }: Partial<MemoryTransportOptions> = checked;
  if (network === undefined) throw invalidOption('memoryTransport', 'network', rules.network.expected, network);
  const { silenceMs = 5000, maxQueueBytes = 4 * 1024 * 1024, windowBytes = 256 * 1024 } = checked;
  const { minMs = 1000, maxMs = Math.max(minMs, 30_000) } = checked.reconnect ?? {};
  if (maxMs < minMs) throw invalidOption('memoryTransport', 'reconnect.maxMs', `at least minMs, ${minMs}`, maxMs);
  const settings = { silenceMs, maxQueueBytes, windowBytes, backoff: { baseMs: minMs, maxMs } };
  return {
    name: 'transport-memory',
    kind: 'transport',
    requires: [],
    create: (context) => new HubTransport(context, network as Hub, settings),
  };
}
