import type { SingletonRun } from '@quorate/coordination';
import type { World } from '@quorate/simulator';

/** What a slot came to, over all nodes. */
interface SlotHistory {
  /** Which token began it, by how often it had been begun. */
  readonly begunBy: Map<number, bigint>;
  /** Runs that came to their end, and those after which nobody tries any more. */
  ends: number;
}

/** What is promised of a task that runs once in a cluster, checked as it happens. */
export class SingletonRules {
  readonly #world: World;
  readonly #slots = new Map<number, SlotHistory>();
  /** The last slot that was begun for the first time. */
  #lastBegun = 0;
  /** The highest token that acted. */
  #highest = 0n;

  constructor(world: World) {
    this.#world = world;
  }

  get begun(): number {
    return this.#slots.size;
  }

  /** A run has begun. */
  onBegin(node: string, { slot, token, attempt, isValid }: SingletonRun): void {
    if (!isValid()) this.#broken(`${node} began though its grant ${token} is over`);
    if (slot === undefined) return this.#broken(`${node} began without a slot`);
    const history = this.#slots.get(slot.time) ?? { begunBy: new Map<number, bigint>(), ends: 0 };
    const former = history.begunBy.get(slot.starts);
    if (former === undefined ? attempt !== 1 : former !== token) {
      this.#broken(`${node} began ${slot.key} for the ${slot.starts}. time, as ${former} had`);
    }
    history.begunBy.set(slot.starts, token);
    if (!this.#slots.has(slot.time)) this.#order(slot.time);
    this.#slots.set(slot.time, history);
    this.#world.note(`${node} runs ${slot.time} (${slot.starts}, ${attempt}) under ${token}`);
  }

  /** A run does something, while it may by its own judgement. */
  onAct(node: string, { token, isValid }: SingletonRun): void {
    if (!isValid()) return;
    if (token < this.#highest) this.#broken(`${node} acts under ${token} though ${this.#highest} has acted`);
    this.#highest = token;
  }

  onEnd({ slot }: Pick<SingletonRun, 'slot'>): void {
    const history = this.#slots.get(slot?.time ?? 0);
    if (history !== undefined) history.ends += 1;
  }

  /** Slots that were given up as interrupted, or passed: only where that was asked for. */
  onSkip(node: string, reason: string): void {
    this.#broken(`${node} skipped a slot: ${reason}`);
  }

  /** Every slot of the life was begun and came to an end. @param stepMs from one to the next */
  audit(stepMs: number): void {
    const times = [...this.#slots.keys()].sort((a, b) => a - b);
    for (const [index, time] of times.entries()) {
      const before = times[index - 1];
      if (before !== undefined && time - before !== stepMs) this.#broken(`the slots after ${before} were lost`);
      if (this.#slots.get(time)?.ends === 0) this.#broken(`the slot ${time} never came to an end`);
    }
  }

  /** No slot was begun twice. */
  auditOnce(): void {
    for (const [time, { begunBy }] of this.#slots) {
      if (begunBy.size > 1 || !begunBy.has(1)) this.#broken(`the slot ${time} was begun again`);
    }
  }

  #order(time: number): void {
    if (time < this.#lastBegun) this.#broken(`the slot ${time} was begun after ${this.#lastBegun}`);
    this.#lastBegun = time;
  }

  #broken(what: string): never {
    throw new Error(`singleton: ${what}, seed ${JSON.stringify(this.#world.seed)}\n${this.#world.trace.text()}`);
  }
}
