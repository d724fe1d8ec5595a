import type { Span } from '@quorate/core';
import type { Message } from '@quorate/raft';
import type { GroupInstruments } from './group-instruments.ts';
import { carrierIn } from './reads.ts';

/** More at one time are answered without a trace. */
const MAX_SPANS = 256;

/** The spans of a leader that answers reads of other nodes, from their question to its answer. */
export class TracedReads {
  readonly #instruments: Pick<GroupInstruments, 'span'>;
  /** By the text of the carrier that asked. */
  readonly #spans = new Map<string, Span>();

  constructor(instruments: Pick<GroupInstruments, 'span'>) {
    this.#instruments = instruments;
  }

  asked({ type, context }: Message): void {
    const carrier = type === 'ReadIndex' && context !== undefined ? carrierIn(context) : undefined;
    if (carrier === undefined || this.#spans.size >= MAX_SPANS || this.#spans.has(carrier)) return;
    const span = this.#instruments.span('read.confirm', carrier, 'server');
    if (span.carrier !== undefined) this.#spans.set(carrier, span);
  }

  answered({ type, context }: Message): void {
    if (this.#spans.size === 0 || type !== 'ReadIndexResp' || context === undefined) return;
    const carrier = carrierIn(context) ?? '';
    this.#spans.get(carrier)?.end();
    this.#spans.delete(carrier);
  }

  /** This node leads no more: nobody is answered. */
  abandon(error: unknown): void {
    for (const span of this.#spans.values()) span.end(error);
    this.#spans.clear();
  }
}
