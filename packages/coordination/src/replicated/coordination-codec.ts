import { ClusterError, type Codec, type MachineCodec } from '@quorate/core';
import { isRequestId } from '../forwarding/request-id.ts';
import { isTaskName } from '../singleton/task-name.ts';
import type { SlotRecord } from '../slots/slot-claims.ts';
import { flatSlotEntry, isOutcome, isTime, isTokenText, readSlotEntry } from '../slots/slot-entry.ts';
import type { SlotCommand, SlotEntry, SlotResult } from '../slots/slot-table.ts';
import { MAX_ANSWER_LENGTH, type RequestCommand, type RequestEntry, type RequestResult } from './request-table.ts';

/** `nothing` is what bytes are taken for that are no command. */
export type CoordinationCommand = SlotCommand | RequestCommand | { readonly do: 'nothing' };
/** What came of a command of coordination. */
export type CoordinationResult = SlotResult | RequestResult;

/** The state, as a snapshot has it. */
export interface CoordinationState {
  readonly slots: readonly (readonly [string, SlotEntry])[];
  readonly requests: readonly (readonly [string, RequestEntry])[];
}

type Fields = Readonly<Record<string, unknown>>;

/** JSON, checked where what comes out of it changes the state. */
export const coordinationCodec: MachineCodec<CoordinationCommand, CoordinationResult, string, SlotRecord | undefined> =
  {
    command: { encode, decode: (bytes) => commandOf(parse(bytes)) },
    result: json<CoordinationResult>(),
    query: json<string>(),
    // JSON has no undefined.
    answer: {
      encode: (value) => encode(value ?? null),
      decode: (bytes) => (parse(bytes) as SlotRecord | null) ?? undefined,
    },
  };

export function encodeState({ slots, requests }: CoordinationState): Uint8Array {
  const flat = slots.map(([task, entry]) => [task, flatSlotEntry(entry)]);
  return encode({ slots: flat, requests });
}

/** @throws ClusterError `CORRUPT` */
export function decodeState(bytes: Uint8Array): CoordinationState {
  const { slots, requests } = fieldsOf(parse(bytes));
  if (!Array.isArray(slots) || !Array.isArray(requests)) throw corrupt();
  return { slots: slots.map(slotOf), requests: requests.map(requestOf) };
}

/** A command that can't be read is one all the same: the same on every node, and it does nothing. */
function commandOf(value: unknown): CoordinationCommand {
  const fields = fieldsOf(value);
  const isCommand = isSlotCommand(fields) || isRequestCommand(fields);
  return isCommand ? (value as CoordinationCommand) : { do: 'nothing' };
}

function isSlotCommand(fields: Fields): boolean {
  if (!isTaskName(fields['task'])) return false;
  if (fields['do'] === 'forget') return true;
  if (!isTokenText(fields['token'])) return false;
  switch (fields['do']) {
    case 'open':
      return isTime(fields['from']);
    case 'claim':
      return isTime(fields['slot']) && isTime(fields['after']);
    case 'reclaim':
      return isTime(fields['slot']) && isTime(fields['starts']);
    case 'settle':
      return isTime(fields['slot']) && isOutcome(fields['outcome']);
    default:
      return false;
  }
}

function isRequestCommand({ do: what, id, token, answer }: Fields): boolean {
  if (!isRequestId(id) || !isTokenText(token)) return false;
  return what === 'begin' || what === 'withdraw' || (what === 'answer' && isAnswer(answer));
}

function slotOf(value: unknown): readonly [string, SlotEntry] {
  const [task, entry] = pairOf(value);
  const read = readSlotEntry(entry);
  if (!isTaskName(task) || read === undefined) throw corrupt();
  return [task, read];
}

function requestOf(value: unknown): readonly [string, RequestEntry] {
  const [id, entry] = pairOf(value);
  const { token, at, answer } = fieldsOf(entry);
  if (!isRequestId(id) || !isTokenText(token) || typeof at !== 'number') throw corrupt();
  if (answer !== undefined && !isAnswer(answer)) throw corrupt();
  return [id, { token, at, answer }];
}

function isAnswer(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_ANSWER_LENGTH;
}

function pairOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function corrupt(): ClusterError {
  return new ClusterError('CORRUPT', 'a coordination state that is none');
}

function json<T>(): Codec<T> {
  return { encode, decode: (bytes) => parse(bytes) as T };
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Undefined for what is no JSON. */
function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
