import type { Clock, Socket, SocketHandler, System, Timer } from '@quorate/core';
import { type LeaseAnswer, type LeaseQuestion, lineOf, Lines } from './lease-protocol.ts';
import type { LeaseTable } from './lease-table.ts';

export const LEASE_PORT = 2379;

/** Serves a table of leases: the program of a host in a simulated world. */
export async function serveLeases({ net, clock }: System, table: LeaseTable, address: string): Promise<void> {
  table.restarted(clock.now());
  table.onChange.clear();
  const expiry = new Expiry(clock, table);
  await net.listen({ host: address, port: LEASE_PORT }, (socket) => serve(socket, clock, table, expiry));
}

function serve(socket: Socket, clock: Clock, table: LeaseTable, expiry: Expiry): SocketHandler {
  const lines = new Lines<LeaseQuestion>();
  let changed: ((name: string) => void) | undefined;
  const stop = (): void => {
    if (changed !== undefined) table.onChange.delete(changed);
  };
  return {
    data: (bytes) => {
      for (const question of lines.push(bytes)) {
        if (question.ask === 'follow') {
          const { name } = question;
          const tell = (): void => void socket.write(lineOf({ view: table.view(name) }));
          changed = (which) => {
            // In a turn of its own: what has changed it isn't finished yet.
            if (which === name) clock.defer(tell);
          };
          table.onChange.add(changed);
          tell();
        } else {
          socket.write(lineOf(answer(question, clock.now(), table)));
          socket.end();
        }
      }
      expiry.arm();
    },
    drain: () => undefined,
    close: stop,
  };
}

function answer(question: Exclude<LeaseQuestion, { ask: 'follow' }>, now: number, table: LeaseTable): LeaseAnswer {
  const { name, identity } = question;
  switch (question.ask) {
    case 'acquire': {
      const acquired = table.acquire(now, name, identity, question.share, question.ttlMs);
      return typeof acquired === 'number' ? { retryMs: acquired } : { acquired };
    }
    case 'renew':
      return { done: table.renew(now, name, identity, question.token) };
    case 'release':
      table.release(now, name, identity, question.token);
      return { done: true };
    case 'withdraw':
      table.withdraw(now, name, identity);
      return { done: true };
  }
}

/** Lets claims run out in time. */
class Expiry {
  readonly #clock: Clock;
  readonly #table: LeaseTable;
  #timer: Timer | undefined;

  constructor(clock: Clock, table: LeaseTable) {
    this.#clock = clock;
    this.#table = table;
    this.arm();
  }

  arm(): void {
    this.#timer?.cancel();
    const next = this.#table.nextExpiry();
    if (next === Infinity) return;
    this.#timer = this.#clock.setTimer(Math.max(0, next - this.#clock.now()), () => {
      this.#table.expire(this.#clock.now());
      this.arm();
    });
  }
}
