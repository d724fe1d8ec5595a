import type { Seeded } from '../raft/seeded.ts';
import type { KeyedInput } from './operation-log.ts';
import { INITIAL, type MachineCommand } from './register-machine.ts';

const SLOTS = ['register-1', 'register-2', 'register-3', 'tickets-1', 'tickets-2'];
/**
 * So often a slot is used before it goes on under a new key: what is unknown of one key stays possible for ever, and a
 * check of very many of those takes long.
 */
const USES_OF_KEY = 250;

/** What the clients of one run ask for: a few keys at a time, so that they meet. */
export class KeyedInputs {
  readonly #uses = new Map<string, number>();
  #lastValue = INITIAL;
  #lastOperation = 0;

  /** Every key that was used. */
  get keys(): readonly string[] {
    return SLOTS.flatMap((slot) => {
      const generations = Math.ceil((this.#uses.get(slot) ?? 0) / USES_OF_KEY);
      return Array.from({ length: generations }, (_, generation) => keyName(slot, generation));
    });
  }

  next(random: Seeded, readsOnly: boolean = false): KeyedInput {
    const slot = random.pick(SLOTS);
    const key = this.#nextKey(slot);
    const reads = readsOnly || random.int(3) === 0;
    if (slot.startsWith('tickets')) return reads ? { type: 'drawn', key } : { type: 'draw', key };
    if (reads) return { type: 'get', key };
    const value = this.#nextValue();
    // What it holds is often the value that was written before, or the one before that.
    const expected = Math.max(INITIAL, value - 1 - random.int(5));
    return random.bit() ? { type: 'put', key, value } : { type: 'swap', key, expected, value };
  }

  /** A write that takes effect whatever was before. */
  write(): MachineCommand {
    return this.nameIt({ type: 'put', key: this.#nextKey('register-1'), value: this.#nextValue() });
  }

  nameIt(input: Exclude<KeyedInput, { readonly type: 'get' | 'drawn' }>): MachineCommand {
    this.#lastOperation += 1;
    return { ...input, op: `op-${this.#lastOperation}` };
  }

  #nextKey(slot: string): string {
    const uses = this.#uses.get(slot) ?? 0;
    this.#uses.set(slot, uses + 1);
    return keyName(slot, Math.floor(uses / USES_OF_KEY));
  }

  /** No two writes of a run write the same: so a read tells whose it saw. */
  #nextValue(): number {
    this.#lastValue += 1;
    return this.#lastValue;
  }
}

function keyName(slot: string, generation: number): string {
  return `${slot}.${generation}`;
}
