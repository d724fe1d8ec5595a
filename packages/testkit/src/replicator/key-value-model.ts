import type { SequentialModel } from '../linearizability/model.ts';
import { effectOf, type KeyValueCommand, type KeyValueQuery, type KeyValueResult } from './key-value-machine.ts';

export type KeyValueCall = KeyValueCommand | KeyValueQuery;

/** The machine of the suite as one machine would be, for histories of many clients: each key is checked by itself. */
export const keyValueModel: SequentialModel<string | null, KeyValueCall, KeyValueResult> = {
  init: () => null,
  step: (state, call, output) => {
    const { value, result } = call.type === 'get' ? { value: state, result: state } : effectOf(state, call);
    return output === 'unknown' || output.value === result ? { ok: true, state: value } : { ok: false };
  },
  key: (state) => JSON.stringify(state),
  partition: ({ key }) => key,
  isRead: ({ type }, output) => type === 'get' || (type === 'cas' && output !== 'unknown' && output.value === false),
};
