import {
  type Clock,
  ClusterError,
  type DisconnectReason,
  type MessageKind,
  type NodeId,
  type RequestHandler,
  type StreamHandler,
} from '@quorate/core';

import { Calls } from './calls.ts';
import type { Frame } from './frames.ts';
import type { Link } from './link.ts';
import { Streams } from './streams.ts';

/** What a connection serves its peer with. */
export interface Service {
  readonly clock: Clock;
  readonly windowBytes: number;
  requestHandler(kind: MessageKind): RequestHandler | undefined;
  streamHandler(kind: MessageKind): StreamHandler | undefined;
}

/** A link after its handshake, with what is under way on it. */
export class Connection {
  readonly link: Link;
  readonly peerId: NodeId;
  readonly calls: Calls;
  readonly streams: Streams;

  constructor(link: Link, peerId: NodeId, service: Service) {
    this.link = link;
    this.peerId = peerId;
    this.calls = new Calls(link, peerId, service.clock, (kind) => service.requestHandler(kind));
    this.streams = new Streams(link, peerId, service.windowBytes, (kind) => service.streamHandler(kind));
  }

  receive(frame: Frame): void {
    if ('stream' in frame) this.streams.receive(frame);
    else if ('id' in frame) this.calls.receive(frame);
  }

  /**
   * The link has ended: whatever was under way may or may not have arrived.
   * @param disposed whether it ended because this side's transport was disposed
   */
  end(reason: DisconnectReason, disposed = false): void {
    const code = disposed ? 'CLOSED' : 'DISCONNECTED';
    const error = new ClusterError(code, `the connection to ${this.peerId} ended: ${reason}`, { outcome: 'unknown' });
    this.calls.end(error);
    this.streams.end(error);
  }
}
