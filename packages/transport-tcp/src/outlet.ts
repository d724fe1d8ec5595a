import type { OutgoingFrame } from './link.ts';

/** What requests and streams need of the connection they belong to. */
export interface Outlet {
  /** For messages of errors: who is at the other end. */
  readonly peerId: string;
  /** The largest payload that fits a frame the peer accepts. */
  readonly maxPayloadBytes: number;
  /** Queues a frame if the queue has room for it; false when it has not. */
  offer(frame: OutgoingFrame): boolean;
  /** Queues a frame that must not be lost: small, or bounded by the caller. */
  push(frame: OutgoingFrame): void;
  /** Whether streams may add to the queue. They leave most of it to messages. */
  readonly idle: boolean;
  /** Ends the connection: the peer broke the protocol. */
  violated(message: string): void;
}
