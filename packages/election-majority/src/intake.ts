import type { Logger, NodeId } from '@quorate/core';
import { decodeMessage } from './message-codec.ts';
import type { ElectionMessage } from './messages.ts';

/** Complaints about peers that are remembered, so that each is logged once. */
const MAX_COMPLAINTS = 1024;

/** What comes from others, as far as it can be counted here. The rest is dropped, and complained of once. */
export class Intake {
  readonly #logger: Logger;
  readonly #generation: number;
  readonly #rules: number;
  readonly #complaints = new Set<string>();

  /** @param own what this node's messages carry */
  constructor(logger: Logger, own: Pick<ElectionMessage, 'generation' | 'rules'>) {
    this.#logger = logger;
    this.#generation = own.generation;
    this.#rules = own.rules;
  }

  /** Undefined for what is malformed, of a type that a later release may have added, or sent by other rules. */
  read(from: NodeId, payload: Uint8Array): ElectionMessage | undefined {
    const message = this.#decode(from, payload);
    return message !== undefined && this.#goesByTheseRules(from, message) ? message : undefined;
  }

  /** Once each: a broken peer is no reason to fill the log. */
  complain(text: string, ...details: readonly unknown[]): void {
    if (this.#complaints.has(text) || this.#complaints.size >= MAX_COMPLAINTS) return;
    this.#complaints.add(text);
    this.#logger.warn(text, ...details);
  }

  #decode(from: NodeId, payload: Uint8Array): ElectionMessage | undefined {
    try {
      return decodeMessage(payload);
    } catch (error) {
      this.complain(`messages of ${from} are malformed, and dropped`, error);
      return undefined;
    }
  }

  /** Two sets of voters, or two lengths of a promise, are never counted together. */
  #goesByTheseRules(from: NodeId, { generation, rules }: ElectionMessage): boolean {
    if (generation === this.#generation && rules === this.#rules) return true;
    this.complain(
      generation === this.#generation
        ? `${from} has other voters, election timings or maxClockDrift than this node: neither counts for the other`
        : `${from} counts in generation ${generation} of the voters, this node in ${this.#generation}`,
    );
    return false;
  }
}
