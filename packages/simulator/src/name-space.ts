import type { Random } from '@quorate/core';

import type { SimulatedFile } from './sim-file.ts';

export type Entry = SimulatedFile | 'directory';

/** A change of names that is not known to be on the disk. */
export interface NameChange {
  readonly removes?: string;
  readonly adds?: { readonly path: string; readonly entry: Entry };
}

/** Which names there are: those that programs see, and those that are certainly on the disk. */
export class NameSpace {
  #seen = new Map<string, Entry>([['/', 'directory']]);
  readonly #durable = new Map<string, Entry>([['/', 'directory']]);
  readonly #unsynced = new Set<NameChange>();

  get(path: string): Entry | undefined {
    return this.#seen.get(path);
  }

  getDurable(path: string): Entry | undefined {
    return this.#durable.get(path);
  }

  /** Of all files, in order. */
  get paths(): readonly string[] {
    return [...this.#seen].flatMap(([path, entry]) => (entry === 'directory' ? [] : [path])).sort();
  }

  /** In a directory, in order. */
  list(directory: string): readonly string[] {
    const names: string[] = [];
    for (const path of this.#seen.keys()) {
      if (path !== '/' && parentOf(path) === directory) names.push(path.slice(path.lastIndexOf('/') + 1));
    }
    return names.sort();
  }

  change(change: NameChange): void {
    apply(this.#seen, change);
    this.#unsynced.add(change);
  }

  /** The unsynced changes of a directory, in order. */
  unsyncedIn(directory: string): readonly NameChange[] {
    return [...this.#unsynced].filter(
      ({ removes, adds }) =>
        (removes !== undefined && parentOf(removes) === directory) ||
        (adds !== undefined && parentOf(adds.path) === directory),
    );
  }

  sync(changes: Iterable<NameChange>): void {
    for (const change of changes) if (this.#unsynced.delete(change)) apply(this.#durable, change);
  }

  /** Each of these changes is kept or undone. */
  gamble(changes: Iterable<NameChange>, random: Random): void {
    for (const change of changes) {
      if (this.#unsynced.delete(change) && random.int(2) === 0) apply(this.#durable, change);
    }
  }

  /** What the machine finds when it starts again. */
  crash(random: Random): void {
    this.gamble([...this.#unsynced], random);
    for (const path of [...this.#durable.keys()].sort()) {
      // What was in a directory that is lost is lost with it.
      if (path !== '/' && this.#durable.get(parentOf(path)) !== 'directory') this.#durable.delete(path);
    }
    this.#seen = new Map(this.#durable);
    for (const entry of new Set(this.#durable.values())) if (entry !== 'directory') entry.crash(random);
  }
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

function apply(names: Map<string, Entry>, { removes, adds }: NameChange): void {
  if (removes !== undefined) names.delete(removes);
  if (adds !== undefined) names.set(adds.path, adds.entry);
}
