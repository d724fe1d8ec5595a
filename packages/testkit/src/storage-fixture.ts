import type { Plugin, Storage, StorageContext, System } from '@quorate/core';

import { expectDefined } from './expectations.ts';
import type { Machine, TestBed } from './test-bed.ts';

/** What a storage keeps its things in, and how it is made on that. */
interface StorageMedium<M> {
  readonly medium?: (system: System) => M | Promise<M>;
  readonly create: (medium: M) => Plugin<Storage, 'storage'>;
}

/** The storage of one node, open, and what it lies on. */
export class StorageFixture<M> implements AsyncDisposable {
  readonly machine: Machine;
  readonly #harness: StorageMedium<M>;
  readonly #medium: M;
  #storage: Storage | undefined;

  private constructor(harness: StorageMedium<M>, machine: Machine, medium: M) {
    this.#harness = harness;
    this.machine = machine;
    this.#medium = medium;
  }

  static async open<M>(harness: StorageMedium<M>, bed: TestBed): Promise<StorageFixture<M>> {
    const machine = bed.machine('a');
    const fixture = new StorageFixture(harness, machine, (await harness.medium?.(machine.system)) as M);
    await fixture.reopen();
    return fixture;
  }

  get storage(): Storage {
    return expectDefined(this.#storage, 'an open storage');
  }

  /** Another instance on the same medium, not open yet. Where processes can't be told apart, ids of nodes are. */
  another(nodeId: string = this.machine.name): Storage {
    const context: StorageContext = { ...this.machine.system, nodeId };
    return this.#harness.create(this.#medium).create(context);
  }

  /** What the next process finds, after this one closed in order. */
  async reopen(): Promise<void> {
    await this.#storage?.[Symbol.asyncDispose]();
    this.#storage = this.another();
    await this.#storage.open();
  }

  /** What the next process finds after the power failed. */
  async crash(): Promise<void> {
    this.machine.host?.crash({ powerLoss: true });
    this.#storage = undefined;
    await this.reopen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#storage?.[Symbol.asyncDispose]();
  }
}
