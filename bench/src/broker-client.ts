/** What a benchmark has a broker do, by whatever protocol it speaks. Every call resolves when the broker has said that it is done. */
export interface BrokerClient {
  /** So many messages of 256 bytes. */
  publish(count: number): Promise<void>;
  /** At most so many. @returns how many were received and acknowledged */
  consume(most: number): Promise<number>;
  close(): Promise<void>;
}

export const BODY_BYTES = 256;
export const QUEUE = 'bench';

/** Settings of the process of the clients. */
export interface BrokerClientSettings {
  readonly system: 'quorate' | 'nats';
  /** Of the three nodes. */
  readonly urls: readonly string[];
}

/** `publish`: messages accepted. `cycle`: published, received and acknowledged by who published as many. */
export interface BrokerLoadTask {
  readonly measure: 'publish' | 'cycle';
  readonly concurrency: number;
  /** Messages a request. */
  readonly batch: number;
  readonly seconds: number;
}
