import type { NamedNode } from '../discovery-registry.ts';
import type { Supervisor } from './supervisor.ts';

/** Told of all that run, one call at a time. */
export type Publish = (running: readonly NamedNode[]) => Promise<void>;

/** Keeps a registry told who runs, where nodes can't register themselves. Disposing it waits for the last time. */
export class RegistryKeeper implements AsyncDisposable {
  readonly #supervisor: Pick<Supervisor, 'nodes'>;
  readonly #publish: Publish;
  readonly #listening: Disposable;
  #told = '';
  #published: Promise<void> = Promise.resolve();

  constructor(supervisor: Pick<Supervisor, 'nodes' | 'listen'>, publish: Publish) {
    this.#supervisor = supervisor;
    this.#publish = publish;
    this.#listening = supervisor.listen(() => this.#look());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening[Symbol.dispose]();
    await this.#published;
  }

  #look(): void {
    const isThere = new Set(['starting', 'running', 'paused', 'stopping']);
    const running = this.#supervisor.nodes.filter((node) => isThere.has(node.process));
    const nodes = running.map(({ id, address }) => ({ id, address }));
    const text = nodes.map(({ id }) => id).join();
    if (text === this.#told) return;
    this.#told = text;
    this.#published = this.#published.then(() => this.#publish(nodes)).catch((error: unknown) => console.error(error));
  }
}
