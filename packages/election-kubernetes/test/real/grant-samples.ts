import type { LeaderElection } from '@quorate/core';

/** What one process saw of a grant, between two readings of the machine's monotonic clock, in milliseconds. */
export interface GrantSample {
  readonly from: number;
  readonly to: number;
  readonly token: string;
  readonly valid: boolean;
}

/** The clock that all processes of a machine share. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

export function sampleGrant(election: LeaderElection): GrantSample {
  const from = machineMs();
  const grant = election.leadership;
  const valid = grant?.isValid() === true;
  return { from, to: machineMs(), token: String(grant?.token ?? ''), valid };
}

/**
 * Two grants that were valid at one time, in words: a valid sample of one between two valid samples of another, which held
 * all the while, since no grant is revived. Also a token that was granted after a greater one.
 */
export function findOverlaps(samples: ReadonlyMap<string, readonly GrantSample[]>): readonly string[] {
  const found: string[] = [];
  for (const [one, ofOne] of samples) {
    for (const [other, ofOther] of samples) {
      if (one === other) continue;
      for (const { from, to, token } of periodsOf(ofOther)) {
        const inside = ofOne.find((sample) => sample.valid && sample.from > from && sample.to < to);
        if (inside !== undefined) found.push(`${one} (${inside.token}) and ${other} (${token}) were both valid`);
      }
    }
  }
  return [...found, ...findBackwards([...samples.values()].flat())];
}

interface Period {
  readonly token: string;
  readonly from: number;
  readonly to: number;
}

/** From the first to the last valid sample of each grant. */
function periodsOf(samples: readonly GrantSample[]): readonly Period[] {
  const periods = new Map<string, Period>();
  for (const { token, valid, from, to } of samples) {
    if (valid) periods.set(token, { token, from: periods.get(token)?.from ?? to, to: from });
  }
  return [...periods.values()];
}

function findBackwards(samples: readonly GrantSample[]): readonly string[] {
  const begun = [...periodsOf(samples.toSorted((a, b) => a.from - b.from))].toSorted((a, b) => a.from - b.from);
  return begun
    .filter(({ token }, at) => at > 0 && BigInt(token) <= BigInt(begun[at - 1]?.token ?? 0))
    .map(({ token }) => `token ${token} was granted after a greater one`);
}
