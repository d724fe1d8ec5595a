import type { Address } from '@quorate/core';

import type { SimulatedHost } from './host.ts';
import type { SimulatedProcess } from './process.ts';
import { GIVE_UP_MS, isLoopbackName, type Network } from './sim-network.ts';
import { SimulatedSocket } from './sim-socket.ts';

/** How long a kernel waits for an answer before it asks again. */
const ASK_AGAIN_MS = 1000;
/** Connections that wait for a program to accept them. */
const BACKLOG = 128;

export interface DialResult {
  connected(socket: SimulatedSocket): void;
  /** `code` is that of the operating system, where it has one. */
  failed(why: string, code?: 'ECONNREFUSED'): void;
}

/** The opening of a stream: asks until somebody answers, or for too long. Disposing gives it up. */
export class Dial implements Disposable {
  readonly #network: Network;
  readonly #owner: { readonly host: SimulatedHost; readonly process: SimulatedProcess };
  readonly #address: Address;
  readonly #result: DialResult;
  readonly #deadline: number;
  #isOver = false;

  constructor(
    network: Network,
    owner: { readonly host: SimulatedHost; readonly process: SimulatedProcess },
    address: Address,
    result: DialResult,
  ) {
    this.#network = network;
    this.#owner = owner;
    this.#address = address;
    this.#result = result;
    this.#deadline = network.engine.now + GIVE_UP_MS;
    const target = network.resolve(owner.host, address.host);
    if (target === undefined) this.#tell(0, () => result.failed('there is no such host'));
    else this.#ask(target);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
  }

  #ask(target: SimulatedHost): void {
    const { engine, links } = this.#network;
    const delay = this.#network.delay(links.get(this.#owner.host.name, target.name));
    engine.at(engine.now + delay, () => this.#arrive(target));
  }

  #arrive(target: SimulatedHost): void {
    if (this.#isOver || !this.#owner.process.alive) return;
    const { engine, links } = this.#network;
    const from = this.#owner.host.name;
    const isCut = links.isBlocked(from, target.name) || links.isBlocked(target.name, from);
    const binding = this.#network.kernel(target).listeners.get(this.#address.port, this.#address.host);
    if (isCut || !target.powered || (binding !== undefined && binding.waiting >= BACKLOG)) {
      if (engine.now + ASK_AGAIN_MS > this.#deadline) this.#tell(0, () => this.#result.failed('no answer'));
      else engine.at(engine.now + ASK_AGAIN_MS, () => this.#ask(target));
      return;
    }
    const back = this.#network.delay(links.get(target.name, from));
    if (binding === undefined) {
      this.#network.say(target, this.#owner.host, `refuses port ${this.#address.port}`);
      this.#tell(back, () => this.#result.failed('refused: nobody listens', 'ECONNREFUSED'));
      return;
    }
    const { client, server } = this.#pair(target, binding.process);
    binding.waiting += 1;
    engine.enter(binding.process, () => {
      binding.waiting -= 1;
      if (binding.released) server.destroy();
      else server.attach(binding.value(server));
    });
    this.#tell(
      back,
      () => this.#result.connected(client),
      () => client.destroy(),
    );
  }

  #pair(target: SimulatedHost, process: SimulatedProcess): { client: SimulatedSocket; server: SimulatedSocket } {
    const { host } = this.#owner;
    this.#network.say(host, target, `connects to port ${this.#address.port}`);
    const isLocal = isLoopbackName(this.#address.host);
    const here = { host: isLocal ? '127.0.0.1' : host.address, port: this.#network.kernel(host).listeners.free() };
    const there = { host: isLocal ? '127.0.0.1' : target.address, port: this.#address.port };
    const client = new SimulatedSocket(this.#network, this.#owner, here, there);
    const server = new SimulatedSocket(this.#network, { host: target, process }, there, here);
    SimulatedSocket.join(client, server);
    return { client, server };
  }

  #tell(delayMs: number, act: () => void, whenOver?: () => void): void {
    const { engine } = this.#network;
    engine.enterAt(engine.now + delayMs, this.#owner.process, () => {
      if (this.#isOver) whenOver?.();
      else act();
    });
  }
}
