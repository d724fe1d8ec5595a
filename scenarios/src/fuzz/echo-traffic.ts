import { ClusterError, type NodeId, type System, type Transport } from '@quorate/core';

/** The kind of the messages. */
export const ECHO = 2000;

const EVERY_MS = 20;
const MAX_BYTES = 5000;
const STREAM_SHARE = 0.1;
/** Within which the simulated network answers many times over. */
const WITHIN_MS = 500;

/** What a pair of nodes is told when the other fails it. */
type OnFailure = (from: NodeId, to: NodeId, error: unknown) => void;

/** Requests and streams between nodes, each of which must be answered in time and whole, whatever others do. */
export class EchoTraffic {
  /** How many were answered. */
  answered = 0;
  readonly #onFailure: OnFailure;

  constructor(onFailure: OnFailure) {
    this.#onFailure = onFailure;
  }

  serve(transport: Transport): void {
    transport.onRequest(ECHO, (_from, payload) => payload.slice());
    transport.onMessage(ECHO, () => undefined);
    transport.onStream(ECHO, async (_from, chunks) => {
      let bytes = 0;
      for await (const chunk of chunks) bytes += chunk.length;
      if (bytes === 0) throw new ClusterError('INVALID_OPTIONS', 'an empty stream');
    });
  }

  /** Asks these others, one after the other, for as long as `goesOn`; from when they are connected. */
  begin(transport: Transport, system: System, others: readonly NodeId[], goesOn: () => boolean): void {
    let turns = 0;
    const turn = (): void => {
      if (!goesOn()) return;
      const to = others[(turns += 1) % others.length] as NodeId;
      void this.#ask(transport, system, to);
      system.clock.setTimer(EVERY_MS, turn);
    };
    turn();
  }

  async #ask(transport: Transport, { random }: System, to: NodeId): Promise<void> {
    const payload = random.bytes(1 + random.int(MAX_BYTES));
    try {
      if (random.next() < STREAM_SHARE) await stream(transport, to, payload);
      else await request(transport, to, payload);
      this.answered += 1;
    } catch (error) {
      this.#onFailure(transport.self.id, to, error);
    }
  }
}

async function request(transport: Transport, to: NodeId, payload: Uint8Array): Promise<void> {
  transport.send(to, ECHO, payload);
  const answer = await transport.request(to, ECHO, payload, { timeoutMs: WITHIN_MS });
  const isSame = answer.length === payload.length && answer.every((byte, at) => byte === payload[at]);
  if (!isSame) throw new Error('another answer than what was asked');
}

async function stream(transport: Transport, to: NodeId, payload: Uint8Array): Promise<void> {
  const outgoing = await transport.openStream(to, ECHO);
  await outgoing.write(payload);
  await outgoing.end();
}
