/** What happened, as a transcript, and a hash of it: two runs with one hash went the same way. */
export interface Trace {
  /** 64 bits in hexadecimal, over everything that happened since the world began. */
  readonly hash: string;
  /** The last lines, oldest first; all that are kept unless told otherwise. */
  text(lastLines?: number): string;
}

interface Line {
  readonly time: number;
  readonly text: () => string;
}

/** Keeps the newest lines and hashes all. Lines are put into words only when somebody reads them. */
export class TraceRecorder implements Trace {
  readonly #capacity: number;
  readonly #lines: (Line | undefined)[] = [];
  #count = 0;
  #low = 0x811c9dc5;
  #high = 0x9747b28c;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get hash(): string {
    return hex(finish(this.#high)) + hex(finish(this.#low));
  }

  text(lastLines: number = this.#capacity): string {
    const lines: string[] = [];
    for (let at = Math.max(0, this.#count - Math.min(lastLines, this.#capacity)); at < this.#count; at += 1) {
      const line = this.#lines[at % this.#capacity];
      if (line !== undefined) lines.push(`${formatTime(line.time)} ${line.text()}`);
    }
    return lines.join('\n');
  }

  /** @param text what `mix` was told, in words */
  line(time: number, text: () => string): void {
    this.#lines[this.#count % this.#capacity] = { time, text };
    this.#count += 1;
  }

  /** A line whose words are hashed as they are. */
  say(time: number, text: string): void {
    this.mix(time);
    this.mixText(text);
    this.line(time, () => text);
  }

  /** Any finite number; times enter in microseconds. */
  mix(value: number): void {
    const micros = Math.round(value * 1000);
    this.#mix32(micros | 0);
    this.#mix32((micros / 0x100000000) | 0);
  }

  mixText(text: string): void {
    for (let at = 0; at < text.length; at += 1) this.#mix32(text.charCodeAt(at));
    this.#mix32(text.length);
  }

  /** Long payloads enter by length and ends: enough to tell two runs apart. */
  mixBytes(bytes: Uint8Array): void {
    this.#mix32(bytes.length);
    for (let at = 0; at < Math.min(32, bytes.length); at += 1) this.#mix32(bytes[at] ?? 0);
    for (let at = Math.max(32, bytes.length - 32); at < bytes.length; at += 1) this.#mix32(bytes[at] ?? 0);
  }

  #mix32(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193) ^ (this.#low >>> 15);
    this.#high = Math.imul(this.#high ^ value, 0x85ebca6b);
    this.#high = Math.imul((this.#high << 13) | (this.#high >>> 19), 0xc2b2ae35);
  }
}

/** Milliseconds with three decimals, aligned for the first hundred seconds. */
function formatTime(ms: number): string {
  return ms.toFixed(3).padStart(9);
}

function finish(lane: number): number {
  const mixed = Math.imul(lane ^ (lane >>> 16), 0x7feb352d);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
