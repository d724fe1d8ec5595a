import type { Runner } from '../src/index.ts';

interface Case {
  readonly title: string;
  readonly body: () => Promise<void>;
}

/**
 * Runs a suite without any test framework, and tells which cases failed: how the suites themselves are tested.
 * @param options `only`: the one case to run, by its title
 */
export async function failuresOf(
  define: (runner: Runner) => void,
  { only }: { readonly only?: string } = {},
): Promise<ReadonlyMap<string, Error>> {
  const failures = new Map<string, Error>();
  const cases = record(define).filter(({ title }) => only === undefined || title === only);
  if (cases.length === 0) throw new Error(`there is no case ${only}`);
  for (const { title, body } of cases) {
    await body().catch((error: Error) => failures.set(title, error));
  }
  return failures;
}

function record(define: (runner: Runner) => void): readonly Case[] {
  const cases: Case[] = [];
  const groups: string[] = [];
  const it = (name: string, body: () => Promise<void>) => {
    cases.push({ title: [...groups.slice(1), name].join(': '), body });
  };
  const describe = (name: string, body: () => void) => {
    groups.push(name);
    body();
    groups.pop();
  };
  define({ describe, it: Object.assign(it, { skip: () => undefined }) });
  return cases;
}

/** The part with some methods replaced; `this` of the others stays the part. */
export function altered<T extends object>(part: T, changes: (part: T) => Partial<T>): T {
  const changed = changes(part);
  return new Proxy(part, {
    get: (target, name) => {
      if (Object.hasOwn(changed, name)) return changed[name as keyof T];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
