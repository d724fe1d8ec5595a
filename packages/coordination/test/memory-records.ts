import { type CallOptions, type Clock, ClusterError, type Random, sleep } from '@quorate/core';
import type { VersionedRecord, VersionedRecords } from '../src/index.ts';

/** A store of versioned records that all nodes reach, as an engine is one. */
export class MemoryRecords implements VersionedRecords {
  readonly #records = new Map<string, VersionedRecord>();
  #revision = 0;

  async read(name: string): Promise<VersionedRecord | undefined> {
    return this.#records.get(name);
  }

  async write(name: string, value: Uint8Array, expected: string | undefined): Promise<boolean> {
    if (this.#records.get(name)?.version !== expected) return false;
    this.#revision += 1;
    this.#records.set(name, { value, version: String(this.#revision) });
    return true;
  }

  async remove(name: string, expected: string): Promise<boolean> {
    return this.#records.get(name)?.version === expected && this.#records.delete(name);
  }

  /** What people see there. */
  json(name: string): Record<string, unknown> | undefined {
    const found = this.#records.get(name);
    return found && (JSON.parse(new TextDecoder().decode(found.value)) as Record<string, unknown>);
  }
}

/** How often a call is lost on its way, its answer is, or it comes when its caller has given it up. */
const LOST = 0.05;
const LATE_MS = 1500;

/** The way from one node to them: it takes time, loses calls and answers, and delivers some writes late. */
export class LossyRecords implements VersionedRecords {
  readonly #records: VersionedRecords;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(records: VersionedRecords, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#records = records;
    this.#clock = clock;
    this.#random = random;
  }

  read(name: string, options?: CallOptions): Promise<VersionedRecord | undefined> {
    return this.#call(() => this.#records.read(name), options);
  }

  write(name: string, value: Uint8Array, expected: string | undefined, options?: CallOptions): Promise<boolean> {
    return this.#call(() => this.#records.write(name, value, expected), options);
  }

  remove(name: string, expected: string, options?: CallOptions): Promise<boolean> {
    return this.#call(() => this.#records.remove(name, expected), options);
  }

  async #call<T>(call: () => Promise<T>, { signal }: CallOptions = {}): Promise<T> {
    const fate = this.#random.next() / LOST;
    await sleep(this.#clock, 1 + this.#random.int(5), { signal });
    if (fate < 1) throw new ClusterError('DISCONNECTED', 'lost on its way');
    if (fate < 2) {
      this.#clock.setTimer(this.#random.int(LATE_MS), () => void call());
      throw new ClusterError('TIMEOUT', 'on its way yet');
    }
    const answer = await call();
    await sleep(this.#clock, 1 + this.#random.int(5), { signal });
    if (fate < 3) throw new ClusterError('DISCONNECTED', 'the answer was lost');
    return answer;
  }
}
