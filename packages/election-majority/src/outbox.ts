import type { NodeId } from '@quorate/core';
import type { ElectionMessage } from './messages.ts';

export interface OutgoingMessage {
  readonly to: NodeId;
  readonly message: ElectionMessage;
  /** The version of the record that must be durable before this leaves. */
  readonly needsRecord: number;
}

/** A message without what is the same in all of a node's. */
type Draft<M = ElectionMessage> = M extends ElectionMessage ? Omit<M, 'generation' | 'rules'> : never;

/** What a node has to say until it is asked for it. */
export class Outbox {
  readonly #generation: number;
  readonly #rules: number;
  #messages: OutgoingMessage[] = [];

  constructor(generation: number, rules: number) {
    this.#generation = generation;
    this.#rules = rules;
  }

  send(to: NodeId, draft: Draft): void {
    this.sendOnceStored(to, draft, 0);
  }

  /** For what rests on the record: it must outlast a crash before anybody is told. */
  sendOnceStored(to: NodeId, draft: Draft, needsRecord: number): void {
    const message: ElectionMessage = { ...draft, generation: this.#generation, rules: this.#rules };
    this.#messages.push({ to, message, needsRecord });
  }

  take(): readonly OutgoingMessage[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }
}
