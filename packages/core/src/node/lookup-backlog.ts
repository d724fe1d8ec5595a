/** The most that waits for all names, and for any one: who cannot be looked up isn't to silence this node towards the others. */
const MAX_BYTES = 1024 * 1024;
const MAX_BYTES_PER_NAME = 64 * 1024;
/** About what a datagram that waits takes beside its payload. */
const DATAGRAM_BYTES = 256;

/** Counts the datagrams that wait for the address behind a name: each looks it up by itself, which may take many seconds. */
export class LookupBacklog {
  /** By name; invariant: none is 0, and `#bytes` is their sum. */
  readonly #names = new Map<string, number>();
  #bytes = 0;

  /** Counts a datagram with so many bytes of payload until it is removed. False: there is no room for it. */
  add(name: string, payloadBytes: number): boolean {
    const bytes = payloadBytes + DATAGRAM_BYTES;
    const ofName = (this.#names.get(name) ?? 0) + bytes;
    if (ofName > MAX_BYTES_PER_NAME || this.#bytes + bytes > MAX_BYTES) return false;
    this.#names.set(name, ofName);
    this.#bytes += bytes;
    return true;
  }

  /** One that was added is on its way, or lost. */
  remove(name: string, payloadBytes: number): void {
    const bytes = payloadBytes + DATAGRAM_BYTES;
    const left = (this.#names.get(name) ?? 0) - bytes;
    if (left > 0) this.#names.set(name, left);
    else this.#names.delete(name);
    this.#bytes -= bytes;
  }
}
