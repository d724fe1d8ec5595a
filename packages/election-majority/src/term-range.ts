/**
 * Each generation of the electorate has terms of its own, all of them after those of the generation before. A majority
 * of it may share no voter with one of the generation before last, and so not know which terms had leaders then.
 */
const TERMS_A_GENERATION = 2 ** 36;
/** The terms of this one still fit a safe integer. */
export const MAX_GENERATION: number = 2 ** 17;
/** A peer that is further ahead than any that was away for years could be is broken, and not followed. */
const MAX_TERMS_AHEAD = 2 ** 28;
/** The same for a node that has yet to learn of the generation's first election. */
const MAX_TERMS_AHEAD_OF_NEWCOMER = 2 ** 35;

/** What a voter begins with; the first election is for the term after it. */
export function firstTerm(generation: number): number {
  return (generation - 1) * TERMS_A_GENERATION;
}

/** Whether a node in the term `own` believes a peer that tells of `term`: one message must not use up all terms. */
export function isPlausibleTerm(generation: number, own: number, term: number): boolean {
  return term - own <= (own === firstTerm(generation) ? MAX_TERMS_AHEAD_OF_NEWCOMER : MAX_TERMS_AHEAD);
}
