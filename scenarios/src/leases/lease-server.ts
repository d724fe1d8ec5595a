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
  const following = new AbortController();
  return {
    data: (bytes) => {
      for (const question of lines.push(bytes)) {
        if (question.ask === 'follow') {
          follow(question, socket, clock, table, following.signal);
        } else {
          socket.write(lineOf(answer(question, clock.now(), table)));
          socket.end();
        }
      }
      expiry.arm();
    },
    drain: () => undefined,
    close: () => following.abort(),
  };
}

/** Tells at once, after each change, and now and then, which shows that it is still there. */
function follow(
  { name, heartbeatMs }: Extract<LeaseQuestion, { ask: 'follow' }>,
  socket: Socket,
  clock: Clock,
  table: LeaseTable,
  signal: AbortSignal,
): void {
  const tell = (): void => {
    if (!signal.aborted) socket.write(lineOf({ view: table.view(name) }));
  };
  const changed = (which: string): void => {
    // In a turn of its own: what has changed it isn't finished yet.
    if (which === name) clock.defer(tell);
  };
  const beat = (): Timer =>
    clock.setTimer(heartbeatMs, () => {
      tell();
      if (!signal.aborted) beat();
    });
  table.onChange.add(changed);
  signal.addEventListener('abort', () => table.onChange.delete(changed));
  tell();
  beat();
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
