import {
  type CallOptions,
  ClusterError,
  type MessageKind,
  type NodeId,
  type OutgoingStream,
  settleWithin,
  type StreamHandler,
} from '@quorate/core';

import { fromFailure, type StreamFrame, toFailure } from './frames.ts';
import { IncomingChunks } from './incoming-chunks.ts';
import type { Link } from './link.ts';
import { SendingStream } from './sending-stream.ts';

/** Streams that one peer may have open at a time. */
const MAX_OPEN = 256;

interface Opening {
  resolve(stream: OutgoingStream): void;
  reject(error: ClusterError): void;
}

/** Streams of chunks over one link, in both directions. */
export class Streams {
  readonly #link: Link;
  readonly #peer: NodeId;
  readonly #windowBytes: number;
  readonly #handler: (kind: MessageKind) => StreamHandler | undefined;
  readonly #opening = new Map<number, Opening>();
  readonly #sending = new Map<number, SendingStream>();
  readonly #incoming = new Map<number, IncomingChunks>();
  #lastId = 0;

  constructor(
    link: Link,
    peer: NodeId,
    windowBytes: number,
    handler: (kind: MessageKind) => StreamHandler | undefined,
  ) {
    this.#link = link;
    this.#peer = peer;
    this.#windowBytes = windowBytes;
    this.#handler = handler;
  }

  open(kind: MessageKind, { signal }: CallOptions): Promise<OutgoingStream> {
    return settleWithin<OutgoingStream>(signal, `stream of kind ${kind} to ${this.#peer}`, (resolve, reject) => {
      this.#lastId += 1;
      const id = this.#lastId;
      this.#opening.set(id, { resolve, reject });
      this.#link.post({ type: 'open', stream: id, kind });
      return () => {
        if (this.#opening.delete(id)) this.#link.post({ type: 'abandon', stream: id });
      };
    });
  }

  receive(frame: StreamFrame): void {
    const { stream: id } = frame;
    if (frame.type === 'open') void this.#serve(id, frame.kind);
    else if (frame.type === 'opened') this.#opened(id);
    else if (frame.type === 'chunk') this.#incoming.get(id)?.push(frame.index, frame.payload);
    else if (frame.type === 'end') this.#incoming.get(id)?.finish(frame.chunks);
    else if (frame.type === 'abandon') this.#incoming.get(id)?.fail(this.#gaveUp());
    else if (frame.type === 'taken') this.#sending.get(id)?.taken(frame.bytes);
    else this.#done(id, frame.failure === undefined ? undefined : fromFailure(this.#peer, frame.failure));
  }

  /** The link has ended. */
  end(error: ClusterError): void {
    for (const id of [...this.#opening.keys(), ...this.#sending.keys()]) this.#done(id, error);
    for (const chunks of this.#incoming.values()) chunks.fail(error);
  }

  #opened(id: number): void {
    const opening = this.#opening.get(id);
    this.#opening.delete(id);
    if (opening === undefined) return;
    const stream = new SendingStream(this.#link, id, this.#windowBytes, () => this.#sending.delete(id));
    this.#sending.set(id, stream);
    opening.resolve(stream);
  }

  #done(id: number, error: ClusterError | undefined): void {
    const opening = this.#opening.get(id);
    this.#opening.delete(id);
    opening?.reject(error ?? new ClusterError('PROTOCOL', `${this.#peer} ended a stream that it had not accepted`));
    this.#sending.get(id)?.done(error);
  }

  async #serve(id: number, kind: MessageKind): Promise<void> {
    try {
      const handler = this.#admit(kind);
      const chunks = new IncomingChunks((bytes) => this.#link.post({ type: 'taken', stream: id, bytes }));
      this.#incoming.set(id, chunks);
      this.#link.post({ type: 'opened', stream: id });
      await handler(this.#peer, chunks);
      this.#link.post({ type: 'done', stream: id, failure: undefined });
    } catch (error) {
      this.#link.post({ type: 'done', stream: id, failure: toFailure(error) });
    } finally {
      this.#incoming.delete(id);
    }
  }

  /** @throws ClusterError when the stream can't be taken */
  #admit(kind: MessageKind): StreamHandler {
    const handler = this.#handler(kind);
    if (handler === undefined) {
      throw new ClusterError('UNSUPPORTED', `no handler for streams of kind ${kind}`, { outcome: 'not-applied' });
    }
    if (this.#incoming.size >= MAX_OPEN) {
      throw new ClusterError('OVERLOADED', `${MAX_OPEN} streams are open`, { outcome: 'not-applied' });
    }
    return handler;
  }

  #gaveUp(): ClusterError {
    return new ClusterError('ABORTED', `${this.#peer} gave the stream up`);
  }
}
