import type { NodeId } from '@quorate/core';

import { ExpectationError } from '../expectations.ts';
import type { AppliedCommand } from './key-value-machine.ts';

interface Applied extends AppliedCommand {
  readonly by: NodeId;
}

/** Sees to it that every replica, in each of its runs, applies the same commands in the same order. */
export class ReplicaAudit {
  /** By number: what was applied first. */
  readonly #first = new Map<number, Applied>();
  #breach: ExpectationError | undefined;

  /** What a machine made for one run of a node is to tell. Later breaches than the first are not kept. */
  listener(by: NodeId): (applied: AppliedCommand) => void {
    let last: AppliedCommand | undefined;
    return (applied) => {
      this.#breach ??= this.#judge({ ...applied, by }, last);
      last = applied;
    };
  }

  /** @throws ExpectationError for the first breach */
  check(): void {
    if (this.#breach !== undefined) throw this.#breach;
  }

  #judge(applied: Applied, last: AppliedCommand | undefined): ExpectationError | undefined {
    const { number, by } = applied;
    if (last !== undefined && number === last.number + 1) {
      const grows = applied.index >= last.index && applied.term >= last.term && applied.time >= last.time;
      if (!grows) return new ExpectationError(`${by} applied ${text(applied)} after ${text(last)}`);
    }
    const first = this.#first.get(number);
    if (first === undefined) this.#first.set(number, applied);
    else if (text(first) !== text(applied)) {
      return new ExpectationError(`${by} applied ${text(applied)}, where ${first.by} had applied ${text(first)}`);
    }
    return undefined;
  }
}

function text({ number, index, term, time, digest }: AppliedCommand): string {
  return `command ${number} (index ${index}, term ${term}, time ${time}, digest ${digest.toString(16)})`;
}
