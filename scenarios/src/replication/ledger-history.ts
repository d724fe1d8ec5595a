import { HistoryRecorder, type Operation, type RecordedCall, type SequentialModel } from '@quorate/testkit';
import type { CommandOrder } from './command-order.ts';
import { effectOf, type LedgerChange, type LedgerCommand, type LedgerValue } from './ledger-commands.ts';

/** What a client asked for. */
export type LedgerCall =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'change'; readonly id: string; readonly key: string; readonly change: LedgerChange };

/** The ledger as one machine would be: each key is judged by itself. */
export const ledgerModel: SequentialModel<string | null, LedgerCall, LedgerValue> = {
  init: () => null,
  step: (state, call, output) => {
    const { value, result } = call.type === 'get' ? { value: state, result: state } : effectOf(state, call.change);
    return output === 'unknown' || output.value === result ? { ok: true, state: value } : { ok: false };
  },
  key: (state) => JSON.stringify(state),
  partition: ({ key }) => key,
  isRead: (call, output) => call.type === 'get' || (output !== 'unknown' && output.value === false),
};

/** What clients called and were told, by the clock of the world. */
export class LedgerHistory {
  readonly #recorder: HistoryRecorder<LedgerCall, LedgerValue>;

  constructor(now: () => number) {
    this.#recorder = new HistoryRecorder({ now });
  }

  changes(client: string, { id, change }: LedgerCommand): RecordedCall<LedgerValue> {
    const { key } = change;
    const brief = 'value' in change ? { ...change, value: withoutPadding(change.value) } : change;
    const expected = brief.type === 'cas' ? { ...brief, expected: withoutPadding(brief.expected) } : brief;
    return briefly(this.#recorder.invoke(client, { type: 'change', id, key, change: expected }));
  }

  reads(client: string, key: string): RecordedCall<LedgerValue> {
    return briefly(this.#recorder.invoke(client, { type: 'get', key }));
  }

  /**
   * All of it, to be judged. Of a change whose client was told nothing, the order says whether it has taken effect, by
   * when, and with which result: a history that is linearizable with that is so without.
   */
  judgedBy(order: CommandOrder): readonly Operation<LedgerCall, LedgerValue>[] {
    return this.#recorder.history.flatMap((operation) => {
      const { input, output, calledAt } = operation;
      if (output !== 'unknown' || input.type === 'get') return [operation];
      const applied = order.find(input.id);
      if (applied === undefined) return [];
      const returnedAt = Math.max(calledAt, applied.at);
      return [{ ...operation, output: { value: withoutPadding(applied.result) }, returnedAt }];
    });
  }
}

function briefly(call: RecordedCall<LedgerValue>): RecordedCall<LedgerValue> {
  return { ok: (value) => call.ok(withoutPadding(value)), fail: () => call.fail(), unknown: () => call.unknown() };
}

/** A check keeps many states in mind: what only makes them large is left out. */
function withoutPadding<T extends LedgerValue>(value: T): T {
  return (typeof value === 'string' ? value.replace(/\.+$/u, '') : value) as T;
}
