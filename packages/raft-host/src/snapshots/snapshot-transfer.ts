import { type CallOptions, type ClusterContext, crc32, messageKind } from '@quorate/core';
import { SnapshotReceiver, type SnapshotTaker } from './snapshot-receiver.ts';
import { type OutgoingSnapshot, SnapshotSender } from './snapshot-sender.ts';
import type { TransferSettings } from './transfer-options.ts';

/** Snapshots from and to the groups of one node. */
export class SnapshotTransfer implements AsyncDisposable {
  readonly #context: Pick<ClusterContext, 'clock' | 'transport' | 'crc32'>;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  readonly #handlers: Disposable[] = [];

  constructor(
    context: Pick<ClusterContext, 'clock' | 'transport' | 'crc32'>,
    settings: TransferSettings,
    taker: SnapshotTaker,
  ) {
    const checksum = context.crc32 ?? crc32;
    this.#context = context;
    this.#sender = new SnapshotSender(context, checksum, settings);
    this.#receiver = new SnapshotReceiver(context, checksum, settings, taker);
  }

  /** Takes offers and streams of kind `SYNC` from now on. Called once. */
  listen(): void {
    const { transport } = this.#context;
    this.#handlers.push(
      transport.onRequest(messageKind.SYNC, (from, payload) => this.#receiver.answer(from, payload)),
      transport.onStream(messageKind.SYNC, (from, chunks) => this.#receiver.receive(from, chunks)),
    );
  }

  /** Whether a snapshot of this group is being sent, or waits for its turn: a newer one would take its place. */
  isSending(group: number): boolean {
    return this.#sender.isSending(group);
  }

  /**
   * Resolves when the peer has the snapshot durable, be it that it had it before, and its group is done with it. What was
   * sent before a transfer broke isn't sent again, if the next one comes soon enough.
   * @throws ClusterError `INVALID_OPTIONS` for a message that isn't about this snapshot; `OVERLOADED`, when one of this
   * group is on its way to this peer, or the peer is busy; `NOT_FOUND` when the peer has no such group, or a newer
   * snapshot has taken the place of this one; `REFUSED`, `TIMEOUT`, `DISCONNECTED`, `ABORTED`, `CLOSED`, `CORRUPT`, `IO`,
   * or what else the receiver failed with
   */
  send(outgoing: OutgoingSnapshot, options: CallOptions = {}): Promise<void> {
    return this.#sender.send(outgoing, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const handler of this.#handlers.splice(0)) handler[Symbol.dispose]();
    this.#sender.close();
    await this.#receiver.close();
  }
}
