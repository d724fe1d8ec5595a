import type { Random } from '@quorate/core';
import { type Host, seededRandom, type World } from '@quorate/simulator';
import { framesOn, logFiles } from './log-frames.ts';

export interface BitRotOptions {
  /** Whether the group has formed: until then every founder is needed, with what it has. */
  readonly isFormed: () => boolean;
  /** Starts the host's program again after a crash. */
  readonly restart: (host: Host) => void;
  /** A bit was turned over. */
  readonly rotten: () => void;
}

/** Of all lives, in which disks rot. */
const LIVES_WITH_ROT = 0.35;
const MEAN_INTERVAL_MS = 1500;
/** Of files that rot, the share of snapshots; and of the segments, that of their first pages. */
const SNAPSHOTS = 0.3;
const FIRST_PAGES = 0.1;
const SEGMENT_HEADER_BYTES = 40;
/** Often it is found soon, by a process that starts. */
const CRASHES = 0.6;
const MAX_DOWN_MS = 500;
/** And in the midst of the opening, in one of so many operations of the disk. */
const CRASHES_AGAIN = 0.5;
const MAX_OPERATIONS = 60;
/**
 * The last frames, that nothing vouches for yet, or that a crash may take away which vouches for others: nothing can tell
 * that such a one was ever whole, and nothing is promised.
 */
const LAST_FRAMES = 2;

/**
 * Bits that turn over on disks: of logs and snapshots, on the same hosts throughout a life. These are too few for a
 * majority, so that all promises hold. It draws from chance of its own: lives without it are what they were.
 */
export class BitRot {
  readonly #world: World;
  readonly #options: BitRotOptions;
  readonly #random: Random;
  readonly #hosts: readonly Host[];
  #isOver = false;

  /** @param rots whether disks rot; undefined: the seed decides */
  constructor(world: World, options: BitRotOptions, rots: boolean | undefined) {
    this.#world = world;
    this.#options = options;
    this.#random = seededRandom(world.seed, 'bit rot');
    const isDrawn = this.#random.next() < LIVES_WITH_ROT;
    this.#hosts = (rots ?? isDrawn) ? this.#draw(world.hosts, Math.ceil(world.hosts.length / 2) - 1) : [];
  }

  start(): void {
    if (this.#hosts.length === 0) return;
    this.#world.after(this.#random.next() * 2 * MEAN_INTERVAL_MS, () => {
      if (this.#isOver) return;
      if (this.#options.isFormed()) this.#strike(this.#hosts[this.#random.int(this.#hosts.length)] as Host);
      this.start();
    });
  }

  stop(): void {
    this.#isOver = true;
  }

  #strike(host: Host): void {
    const isHit = this.#random.next() < SNAPSHOTS ? this.#rotSnapshot(host) : this.#rotSegment(host);
    if (!isHit) return;
    this.#options.rotten();
    if (this.#random.next() >= CRASHES) return;
    host.crash();
    this.#bringBack(host);
  }

  /** What is done about the damage may be interrupted by a crash as well. */
  #bringBack(host: Host): void {
    this.#world.after(this.#random.next() * MAX_DOWN_MS, () => {
      if (this.#isOver) return;
      if (!host.running) this.#options.restart(host);
      if (this.#random.next() >= CRASHES_AGAIN) return;
      host.crashAtDiskOperation(1 + this.#random.int(MAX_OPERATIONS));
      this.#bringBack(host);
    });
  }

  #rotSnapshot(host: Host): boolean {
    const path = logFiles(host.disk, '.snapshot').at(-1);
    const size = path === undefined ? 0 : (host.disk.read(path)?.length ?? 0);
    return path !== undefined && this.#flip(host, path, 0, size);
  }

  #rotSegment(host: Host): boolean {
    const frames = framesOn(host.disk).slice(0, -LAST_FRAMES);
    if (frames.length === 0) return false;
    const { path, offset, length } = frames[this.#random.int(frames.length)] as (typeof frames)[number];
    if (this.#random.next() < FIRST_PAGES) return this.#flip(host, path, 0, SEGMENT_HEADER_BYTES);
    const size = host.disk.read(path)?.length ?? 0;
    return this.#flip(host, path, offset, Math.min(length, size - offset));
  }

  #flip(host: Host, path: string, from: number, length: number): boolean {
    if (length === 0) return false;
    host.disk.flipBit(path, from + this.#random.int(length), this.#random.int(8));
    return true;
  }

  #draw(hosts: readonly Host[], count: number): readonly Host[] {
    const left = [...hosts];
    return Array.from({ length: count }, () => left.splice(this.#random.int(left.length), 1)[0] as Host);
  }
}
