import type { Random } from '@quorate/core';

/** The content of a file: bytes that grow and shrink. */
class Content {
  #buffer = new Uint8Array(0);
  size = 0;

  read(into: Uint8Array, position: number): number {
    const part = this.#buffer.subarray(Math.min(position, this.size), Math.min(position + into.length, this.size));
    into.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    this.resize(Math.max(this.size, end));
    this.#buffer.set(bytes, position);
  }

  resize(size: number): void {
    if (size > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(size, this.#buffer.length * 2, 64));
      larger.set(this.#buffer.subarray(0, this.size));
      this.#buffer = larger;
    }
    if (size < this.size) this.#buffer.fill(0, size, this.size);
    this.size = size;
  }

  flip(offset: number, bit: number): void {
    if (offset < this.size) this.#buffer[offset] = (this.#buffer[offset] ?? 0) ^ (1 << bit);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.size);
  }

  copyFrom(other: Content): void {
    this.size = 0;
    this.#buffer = other.bytes();
    this.size = this.#buffer.length;
  }
}

/** A change that is not known to be on the disk. */
export type Change = { readonly bytes: Uint8Array; readonly position: number } | { readonly size: number };

/** Unsynced changes that a kernel keeps back; then it writes the oldest by itself. */
const MAX_UNSYNCED = 4096;

/** A file: what programs see, what is certainly on the disk, and the changes in between. */
export class SimulatedFile {
  readonly #seen = new Content();
  readonly #durable = new Content();
  readonly #unsynced = new Set<Change>();

  get size(): number {
    return this.#seen.size;
  }

  get bytes(): Uint8Array {
    return this.#seen.bytes();
  }

  get durableBytes(): Uint8Array {
    return this.#durable.bytes();
  }

  /** The changes that are not synced, in order. */
  get unsynced(): readonly Change[] {
    return [...this.#unsynced];
  }

  read(into: Uint8Array, position: number): number {
    return this.#seen.read(into, position);
  }

  change(change: Change): void {
    apply(this.#seen, change);
    this.#unsynced.add(change);
    if (this.#unsynced.size <= MAX_UNSYNCED) return;
    const [oldest] = this.#unsynced;
    if (oldest !== undefined) this.sync([oldest]);
  }

  /** These changes are on the disk now. */
  sync(changes: Iterable<Change>): void {
    for (const change of changes) if (this.#unsynced.delete(change)) apply(this.#durable, change);
  }

  /** Nobody knows which of these changes are on the disk: each is kept, lost or torn. */
  gamble(changes: Iterable<Change>, random: Random): void {
    for (const change of changes) {
      if (!this.#unsynced.delete(change)) continue;
      const survivor = survivorOf(change, random);
      if (survivor !== undefined) apply(this.#durable, survivor);
    }
  }

  /** What the machine finds when it starts again. */
  crash(random: Random): void {
    this.gamble(this.unsynced, random);
    this.#seen.copyFrom(this.#durable);
  }

  flip(offset: number, bit: number): void {
    this.#seen.flip(offset, bit);
    this.#durable.flip(offset, bit);
  }
}

function apply(content: Content, change: Change): void {
  if ('size' in change) content.resize(change.size);
  else content.write(change.bytes, change.position);
}

function survivorOf(change: Change, random: Random): Change | undefined {
  const fate = random.int(3);
  if (fate === 0) return undefined;
  if (fate === 1 || 'size' in change) return change;
  return { position: change.position, bytes: change.bytes.subarray(0, random.int(change.bytes.length + 1)) };
}
