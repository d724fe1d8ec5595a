import { describe, expect, it } from 'vitest';
import {
  decodeAnswer,
  decodeEnvelope,
  encodeAnswer,
  encodeEnvelope,
  type ForwardedAnswer,
} from '../src/forwarding/envelope.ts';

const leader = { nodeId: 'a', address: '[::1]:70', token: 2n ** 63n };
const payload = Uint8Array.of(0, 255);

/** What every release that speaks version 1 writes and reads, byte for byte. */
const answers: Readonly<Record<string, readonly [ForwardedAnswer, hex: string]>> = {
  'an answer': [{ kind: 'answer', token: 258n, payload }, '0100000000000000010200ff'],
  'another leader': [{ kind: 'not-leader', leader }, '010100016100085b3a3a315d3a37308000000000000000'],
  'no leader': [{ kind: 'not-leader', leader: undefined }, '0101000000000000000000000000'],
  'an error': [{ kind: 'error', code: 'TIMEOUT', message: 'ü', outcome: 'unknown' }, '0102000754494d454f555402c3bc'],
};
const ENVELOPE = '010200011170ffffffffffffffff00000000000000030009726571756573742d3100066f726465727300ff';

describe('the versions of forwarding', () => {
  it('has envelopes as ever', () => {
    const time = { hops: 2, remainingMs: 70_000 };
    const given = { id: 'request-1', name: 'orders', token: 2n ** 64n - 1n, ...time, doubt: 3n, payload };
    const bytes = encodeEnvelope(given);
    expect(hexOf(bytes)).toBe(ENVELOPE.replaceAll(/\s/gu, ''));
    expect(decodeEnvelope(bytes)).toEqual(given);
    // Of a span it is in, where there is one.
    const carrier = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';
    const traced = encodeEnvelope({ ...given, carrier });
    expect(hexOf(traced)).toBe(`02${ENVELOPE.slice(2, -4)}0037${Buffer.from(carrier).toString('hex')}00ff`);
    expect(decodeEnvelope(traced)).toEqual({ ...given, carrier });
    // What is no carrier isn't told; from another it costs the trace alone.
    expect(hexOf(encodeEnvelope({ ...given, carrier: 'x' }))).toBe(ENVELOPE);
    const wrong = new Uint8Array(traced);
    wrong[wrong.length - 10] = 0x78;
    expect(decodeEnvelope(wrong)).toEqual({ ...given, carrier: undefined });
    // No more time can be told.
    const endless = encodeEnvelope({ ...given, remainingMs: Infinity });
    expect(decodeEnvelope(endless).remainingMs).toBe(2 ** 32 - 1);
    expect(decodeEnvelope(encodeEnvelope({ ...given, remainingMs: -1 })).remainingMs).toBe(0);
  });

  it.each(Object.entries(answers))('has answers as ever: %s', (_what, [answer, hex]) => {
    const bytes = encodeAnswer(answer);
    expect(hexOf(bytes)).toBe(hex.replaceAll(/\s/gu, ''));
    expect(decodeAnswer(bytes)).toEqual(answer);
  });
});

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
