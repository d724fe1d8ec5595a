/**
 * Lives that stand on a mutant, from its own seed on, until one shows what is broken: a change elsewhere may shift which of
 * them does, and is told of then.
 * @param isIt whether a life that failed did so for that; any does, unless said otherwise
 * @returns what the life failed with; undefined when none of so many has shown it
 */
export async function shownBy(
  mutation: { readonly name: string; readonly seed: number },
  lives: number,
  live: (seed: number) => Promise<unknown>,
  isIt: (failure: string) => boolean = () => true,
): Promise<string | undefined> {
  for (let seed = mutation.seed; seed < mutation.seed + lives; seed += 1) {
    const failure = await live(seed).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (failure === undefined || !isIt(failure)) continue;
    if (seed !== mutation.seed) console.log(`${mutation.name}: now shown by seed ${seed}`);
    return failure;
  }
  return undefined;
}
