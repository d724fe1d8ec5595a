import { invalidOption } from './option-rules.ts';
import type { MessageKind } from './transport.ts';

const MAX_KIND = 0xffff;

/** @throws ClusterError `INVALID_OPTIONS` */
export function checkMessageKind(kind: MessageKind): void {
  if (Number.isInteger(kind) && kind >= 0 && kind <= MAX_KIND) return;
  throw invalidOption('transport', 'kind', `an integer from 0 to ${MAX_KIND}`, kind);
}

/** @throws ClusterError `INVALID_OPTIONS` */
export function checkRequestTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || timeoutMs >= 0) return;
  throw invalidOption('request', 'timeoutMs', 'a number of milliseconds from 0', timeoutMs);
}

/**
 * Refuses what is no bytes, whatever the types say: a program in JavaScript may hand over a text.
 * @throws ClusterError `INVALID_OPTIONS`
 */
export function checkBytes(owner: string, name: string, value: unknown): void {
  // By its tag, because test runners give programs a Uint8Array of their own.
  const tag = Object(value)[Symbol.toStringTag];
  if (tag !== 'Uint8Array') throw invalidOption(owner, name, 'a Uint8Array', value);
}
