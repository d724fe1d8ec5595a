import { ByteReader, ByteWriter, ClusterError, type Codec, MAX_NUMBER_BYTES } from '@quorate/core';
import { type CommandOutcome, DONE } from './command-outcome.ts';
import { decodeError, encodeError } from './error-codec.ts';

const RESULT = 0;
const OPENED = 1;
const DONE_CODE = 2;
const FAILED = 3;

/** Outcomes on their way to the node whose client waits for them. */
export class OutcomeCodec<R> {
  readonly #results: Codec<R>;

  constructor(results: Codec<R>) {
    this.#results = results;
  }

  encode(outcome: CommandOutcome<R>): Uint8Array {
    if (!outcome.ok) return tagged(FAILED, encodeError(outcome.error));
    if (outcome.kind === 'result') return tagged(RESULT, this.#results.encode(outcome.result));
    if (outcome.kind === 'done') return tagged(DONE_CODE, new Uint8Array());
    return new ByteWriter(1 + MAX_NUMBER_BYTES).u8(OPENED).number(outcome.sessionId).view();
  }

  /** @throws ClusterError `PROTOCOL`; what the codec of results throws */
  decode(bytes: Uint8Array): CommandOutcome<R> {
    const body = bytes.subarray(1);
    switch (bytes[0]) {
      case RESULT:
        return { ok: true, kind: 'result', result: this.#results.decode(body) };
      case OPENED:
        return { ok: true, kind: 'opened', sessionId: new ByteReader('outcome', body).number() };
      case DONE_CODE:
        return DONE;
      case FAILED:
        return { ok: false, error: decodeError(body) };
      case undefined:
      default:
        throw new ClusterError('PROTOCOL', `an outcome of kind ${bytes[0]} can't be read`);
    }
  }
}

function tagged(tag: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + body.length);
  bytes[0] = tag;
  bytes.set(body, 1);
  return bytes;
}
