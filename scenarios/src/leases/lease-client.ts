import {
  type Address,
  type CallOptions,
  ClusterError,
  type ClusterContext,
  linkSignals,
  type MonotonicMs,
  settleWithin,
  type Socket,
  type Timer,
} from '@quorate/core';
import type { LeaseEngine, LeaseHold, LeaseRefusal, LeaseRequest, LeaseStore, LeaseView } from '@quorate/lease';
import { type LeaseAnswer, type LeaseQuestion, lineOf, Lines } from './lease-protocol.ts';
import type { TableView } from './lease-table.ts';

type Machine = Pick<ClusterContext, 'clock' | 'net'>;

/** Leases of the server at this address: one connection a call. */
export function simulatedLeases(machine: Machine, server: Address): LeaseEngine {
  return {
    supports: { fair: true, shared: true, semaphore: true },
    open: (request) => new SimulatedStore(machine, server, request),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

class SimulatedStore implements LeaseStore {
  readonly #machine: Machine;
  readonly #server: Address;
  readonly #request: LeaseRequest;

  constructor(machine: Machine, server: Address, request: LeaseRequest) {
    this.#machine = machine;
    this.#server = server;
    this.#request = request;
  }

  async follow(tell: (view: LeaseView) => void, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { name, ttlMs } = this.#request;
    const { clock } = this.#machine;
    const silenceMs = ttlMs / 2;
    const lost = new AbortController();
    using either = linkSignals(signal, lost.signal);
    // A connection to a server that is no more may stay open for ever.
    const silent = (): Timer => clock.setTimer(silenceMs, () => lost.abort(new Error('no sign of life')));
    let timer = silent();
    try {
      await this.#converse<void>({ ask: 'follow', name, heartbeatMs: silenceMs / 2 }, either.signal, ({ view }) => {
        timer.cancel();
        timer = silent();
        if (view !== undefined) tell(viewOf(view));
        return undefined;
      });
    } finally {
      timer.cancel();
    }
  }

  async acquire({ signal }: CallOptions): Promise<LeaseHold | LeaseRefusal> {
    const { name, identity, share, ttlMs } = this.#request;
    const { clock } = this.#machine;
    const sentAt = clock.now();
    const { acquired, retryMs = 0 } = await this.#ask({ ask: 'acquire', name, identity, share, ttlMs }, signal);
    if (acquired === undefined) return { retryAt: clock.now() + retryMs };
    const { token, waitMs } = acquired;
    return {
      token: BigInt(token),
      sentAt,
      usableFrom: clock.now() + waitMs,
      renew: async (options) => this.#renew(token, options),
      release: async (options) => {
        await this.#ask({ ask: 'release', name, identity, token }, options.signal);
      },
    };
  }

  async withdraw({ signal }: CallOptions): Promise<void> {
    const { name, identity } = this.#request;
    await this.#ask({ ask: 'withdraw', name, identity }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #renew(token: number, { signal }: CallOptions): Promise<MonotonicMs> {
    const { name, identity } = this.#request;
    const sentAt = this.#machine.clock.now();
    const { done } = await this.#ask({ ask: 'renew', name, identity, token }, signal);
    if (done !== true) throw new ClusterError('NOT_FOUND', `the lease ${name} is over`);
    return sentAt;
  }

  async #ask(question: LeaseQuestion, signal: AbortSignal | undefined): Promise<LeaseAnswer> {
    return await this.#converse(question, signal, (answer) => answer);
  }

  /** Until an answer gives a result, or the connection ends. */
  async #converse<T extends {} | void>(
    question: LeaseQuestion,
    signal: AbortSignal | undefined,
    onAnswer: (answer: LeaseAnswer) => T | undefined,
  ): Promise<T> {
    const ended = new AbortController();
    try {
      return await settleWithin<T>(signal, question.ask, (resolve, reject) => {
        const lines = new Lines<LeaseAnswer>();
        const handler = {
          data: (bytes: Uint8Array): void => {
            for (const answer of lines.push(bytes)) {
              const result = onAnswer(answer);
              if (result !== undefined) resolve(result);
            }
          },
          drain: (): void => undefined,
          close: (): void => reject(new ClusterError('DISCONNECTED', 'the engine ended the connection')),
        };
        let socket: Socket | undefined;
        this.#machine.net.connect(this.#server, handler, ended).then((connected) => {
          socket = connected;
          if (ended.signal.aborted) socket.destroy();
          else socket.write(lineOf(question));
        }, reject);
        return () => {
          ended.abort();
          socket?.destroy();
        };
      });
    } finally {
      ended.abort();
    }
  }
}

function viewOf({ revision, holder }: TableView): LeaseView {
  const known = holder === undefined ? undefined : { nodeId: holder.nodeId, token: BigInt(holder.token) };
  return { revision: BigInt(revision), holder: known };
}
