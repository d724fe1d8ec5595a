/**
 * @packageDocumentation
 *
 * The parts of a cluster in memory: what other adapters are measured by, and what tests and clusters in one program
 * are made of.
 */
export {
  memoryDiscovery,
  type MemoryDiscoveryOptions,
  memoryRegistry,
  type MemoryRegistry,
} from './memory-discovery.ts';
export {
  type MemoryNetwork,
  memoryNetwork,
  type MemoryNetworkOptions,
  type MessageRoute,
  type RoutedMessage,
} from './memory-network.ts';
export { memoryTransport, type MemoryTransportOptions, type ReconnectOptions } from './memory-transport.ts';
export { memoryDisk, type MemoryDisk, memoryStorage, type MemoryStorageOptions } from './memory-storage.ts';
