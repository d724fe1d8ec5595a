import type { Output, SequentialModel, Step } from './model.ts';

/** What a register can hold; undefined where nothing was written yet. */
export type RegisterValue = string | number | boolean | null | undefined;

/** An operation on one of many registers. */
export type RegisterInput<V extends RegisterValue> =
  /** Returns what it holds. */
  | { readonly type: 'read'; readonly key: string }
  /** Returns nothing that counts. */
  | { readonly type: 'write'; readonly key: string; readonly value: V }
  /** Compare and set: writes `value` if the register holds `expected`, and returns whether it did. */
  | { readonly type: 'cas'; readonly key: string; readonly expected: V | undefined; readonly value: V };

/** What an operation on the register has returned. */
export type RegisterOutput<V extends RegisterValue> = V | boolean | undefined;
type RegisterModel<V extends RegisterValue> = SequentialModel<V | undefined, RegisterInput<V>, RegisterOutput<V>>;

/** Registers by key, each checked by itself, that hold nothing at first. */
export function registerModel<V extends RegisterValue>(): RegisterModel<V> {
  return {
    init: () => undefined,
    step: stepRegister,
    key: (state) => JSON.stringify(state) ?? '',
    partition: ({ key }) => key,
    isRead: ({ type }, output) => type === 'read' || (type === 'cas' && output !== 'unknown' && output.value === false),
  };
}

function stepRegister<V extends RegisterValue>(
  state: V | undefined,
  input: RegisterInput<V>,
  output: Output<RegisterOutput<V>>,
): Step<V | undefined> {
  switch (input.type) {
    case 'read':
      return output === 'unknown' || Object.is(output.value, state) ? { ok: true, state } : { ok: false };
    case 'write':
      return { ok: true, state: input.value };
    case 'cas': {
      const holds = Object.is(state, input.expected);
      if (output !== 'unknown' && output.value !== holds) return { ok: false };
      return { ok: true, state: holds ? input.value : state };
    }
  }
}
