/** Each mutant lives for seconds: `npm test` takes every sixth, `.ci/run`, with `QUORATE_MUTANTS=all`, all of them. */
const STEP = process.env['QUORATE_MUTANTS'] === 'all' ? 1 : 6;

/** Those that are for this run. */
export function mutantsToRun<M>(all: readonly M[]): readonly M[] {
  return all.filter((_, index) => index % STEP === 0);
}

/** The names of the others, to be shown as skipped. */
export function mutantsToSkip(all: readonly { readonly name: string }[]): readonly string[] {
  return all.filter((_, index) => index % STEP !== 0).map(({ name }) => name);
}
