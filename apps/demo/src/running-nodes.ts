import type { NodeId } from '@quorate/core';
import type { NamedNode } from './discovery-registry.ts';
import type { History } from './history.ts';

export interface RunningNodesOptions {
  readonly history: History;
  readonly addressOf: (id: NodeId) => string;
  /** Told of all that run, each time a process has started or ended, one call at a time. */
  readonly publish: (running: readonly NamedNode[]) => Promise<void>;
}

/** Keeps a registry told who runs, where nodes can't register themselves. Disposing it waits for the last time. */
export class RunningNodes implements AsyncDisposable {
  readonly #options: RunningNodesOptions;
  readonly #running = new Map<NodeId, NamedNode>();
  readonly #listening: Disposable;
  #published: Promise<void> = Promise.resolve();

  constructor(options: RunningNodesOptions) {
    this.#options = options;
    this.#listening = options.history.listen((event) => {
      if (event.source !== 'process') return;
      const { node: id } = event;
      if (event.type === 'spawned') this.#running.set(id, { id, address: options.addressOf(id) });
      else if (event.type !== 'exited' || !this.#running.delete(id)) return;
      this.#tell();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening[Symbol.dispose]();
    await this.#published;
  }

  #tell(): void {
    const running = [...this.#running.values()];
    const publish = () => this.#options.publish(running);
    this.#published = this.#published.then(publish).catch((error: unknown) => console.error(error));
  }
}
