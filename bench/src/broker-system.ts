import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { BrokerClientSettings, BrokerLoadTask } from './broker-client.ts';
import type { Load } from './closed-loop.ts';
import type { Scratch } from './scratch.ts';
import type { Competitor } from './turns.ts';

/** A broker of three processes on this machine, durable on a majority of them. */
export interface BrokerSystem extends Competitor {
  readonly name: 'quorate' | 'nats-sync' | 'nats';
  /** Starts it afresh. What it started ends with the scratch. @returns what its clients are to be given */
  start(scratch: Scratch): Promise<BrokerClientSettings>;
}

const CLIENT_PROCESS = new URL('broker-client-process.ts', import.meta.url);

/** The process of a broker's clients. */
export class BrokerClients {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(scratch: Scratch, settings: BrokerClientSettings): Promise<BrokerClients> {
    const child = scratch.fork(CLIENT_PROCESS, [JSON.stringify(settings)]);
    const clients = new BrokerClients(child);
    await clients.#reply();
    return clients;
  }

  async load(task: BrokerLoadTask): Promise<Load> {
    const reply = this.#reply();
    this.#child.send(task);
    const { load, failure } = await reply;
    if (load === undefined) throw new Error(`the clients have failed: ${failure ?? 'for no reason that they know'}`);
    return load;
  }

  async #reply(): Promise<{ readonly load?: Load; readonly failure?: string }> {
    const settled = new AbortController();
    const { signal } = settled;
    const ended = once(this.#child, 'exit', { signal }).then(() => {
      throw new Error('the process of the clients has ended');
    });
    try {
      const [reply] = (await Promise.race([once(this.#child, 'message', { signal }), ended])) as [object];
      return reply;
    } finally {
      ended.catch(() => undefined);
      settled.abort();
    }
  }
}
