/** A system that is measured beside others. */
export interface Competitor {
  readonly name: string;
  /** Why it can't be measured here; undefined when it can. */
  unavailable(): string | undefined;
}

/**
 * Those that are asked for and can be measured here.
 * @param names separated by commas
 * @throws Error when there is none of a name
 */
export function chosen<S extends Competitor>(systems: readonly S[], names: string): readonly S[] {
  const asked = names.split(',');
  for (const name of asked) if (!systems.some((system) => system.name === name)) throw new Error(`no system ${name}`);
  return systems.filter((system) => asked.includes(system.name) && isAvailable(system));
}

/** The systems take turns, so that what else the machine does hits all. What each came to, round by round. */
export async function takeTurns<S, M>(
  systems: readonly S[],
  rounds: number,
  measure: (system: S, round: number) => Promise<M>,
): Promise<ReadonlyMap<S, readonly M[]>> {
  const results = new Map(systems.map((system) => [system, [] as M[]]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [system, measured] of results) measured.push(await measure(system, round));
  }
  return results;
}

function isAvailable(system: Competitor): boolean {
  const why = system.unavailable();
  if (why !== undefined) console.error(`SKIPPED ${system.name}: ${why}`);
  return why === undefined;
}
