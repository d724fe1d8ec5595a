/**
 * @packageDocumentation
 *
 * The parts of a cluster in memory: what other adapters are measured by, and what tests and clusters in one program
 * are made of.
 */
export {
  type MemoryNetwork,
  memoryNetwork,
  type MemoryNetworkOptions,
  type MessageRoute,
  type RoutedMessage,
} from './memory-network.ts';
export { memoryTransport, type MemoryTransportOptions, type ReconnectOptions } from './memory-transport.ts';
