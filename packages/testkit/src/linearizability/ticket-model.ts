import type { SequentialModel, Step } from './model.ts';

/** The one thing that a ticket machine can be asked for. */
export interface TicketInput {
  readonly type: 'next';
}

/** A ticket machine: each `next` returns the number after the one before. An unknown `next` may have used one up. */
export function ticketModel(first: number = 1): SequentialModel<number, TicketInput, number> {
  return {
    init: () => first,
    step: (next, _input, output): Step<number> =>
      output === 'unknown' || output.value === next ? { ok: true, state: next + 1 } : { ok: false },
    key: (next) => String(next),
  };
}
