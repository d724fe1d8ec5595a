import type { SequentialModel, Step } from './model.ts';

/** What a list of the model has in it. */
export type AppendListValue = string | number | boolean | null;

/** An operation on one of many lists. */
export type AppendListInput<V extends AppendListValue> =
  /** Returns nothing that counts. */
  | { readonly type: 'append'; readonly key: string; readonly value: V }
  /** Returns all values, the first one first. */
  | { readonly type: 'read'; readonly key: string };

type AppendListOutput<V extends AppendListValue> = readonly V[] | undefined;
/** Its state is the list as text: a value and a comma each. */
type AppendListModel<V extends AppendListValue> = SequentialModel<string, AppendListInput<V>, AppendListOutput<V>>;

/** Lists by key, each checked by itself, that are empty at first and only grow: a read tells the order of all appends. */
export function appendListModel<V extends AppendListValue>(): AppendListModel<V> {
  return {
    init: () => '',
    step: (state, input, output): Step<string> => {
      if (input.type === 'append') return { ok: true, state: state + textOf(input.value) };
      if (output === 'unknown') return { ok: true, state };
      return output.value?.map(textOf).join('') === state ? { ok: true, state } : { ok: false };
    },
    key: (state) => state,
    partition: ({ key }) => key,
    isRead: ({ type }) => type === 'read',
  };
}

function textOf(value: AppendListValue): string {
  return `${JSON.stringify(value)},`;
}
