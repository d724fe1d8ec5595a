import { type Address, formatAddress, isAddress, parseAddress } from './address.ts';
import { ClusterError } from './cluster-error.ts';

/** How one option is checked, and read from text where it comes from the environment. */
export interface OptionRule<T> {
  /** Completes "expected …". */
  readonly expected: string;
  /** The value in its normal form, or undefined when it is not acceptable. */
  accept(value: unknown): T | undefined;
  /** Which part of a value that is not acceptable is to blame, where that can be told: `[2]`, and what it must be. */
  blame?(value: unknown): Blame | undefined;
  /** From an environment variable; undefined when the text is not acceptable. Absent: not to be had from text. */
  readonly fromText?: (text: string) => T | undefined;
}

/** What is wrong with an option. */
export interface Blame {
  /** Behind the option's name. */
  readonly path: string;
  readonly expected: string;
  /** What came, in words. */
  readonly got: string;
}

/** A rule for each option by name. */
export type OptionRules<O> = { readonly [K in keyof O]-?: OptionRule<Exclude<O[K], undefined>> };

/**
 * Checks options against rules, and returns the given ones in their normal form.
 * @param owner whose options they are, for messages: `tcpTransport`
 * @throws ClusterError `INVALID_OPTIONS`, naming the option, what was expected and what came. Unknown names are refused
 */
export function checkOptions<O extends object>(owner: string, rules: OptionRules<O>, given: unknown): O {
  if (!isObject(given)) {
    throw new ClusterError('INVALID_OPTIONS', `${owner}: options must be an object, got ${describeUnquoted(given)}`);
  }
  const checked: Partial<Record<keyof O, unknown>> = {};
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(rules, name) ? rules[name as keyof O] : undefined;
    if (rule === undefined) throw new ClusterError('INVALID_OPTIONS', `${owner}: there is no option ${name}`);
    if (value === undefined) continue;
    const accepted = rule.accept(value);
    if (accepted === undefined) throw refusal(owner, name, rule, value);
    checked[name as keyof O] = accepted;
  }
  return checked as O;
}

/** The error for an option whose value cannot be accepted. */
export function invalidOption(owner: string, name: string, expected: string, got: unknown): ClusterError {
  return new ClusterError('INVALID_OPTIONS', `${owner}: ${name} must be ${expected}, got ${describe(got)}`);
}

function refusal<T>(owner: string, name: string, rule: OptionRule<T>, value: unknown): ClusterError {
  const blame = rule.blame?.(value) ?? { path: '', expected: rule.expected, got: describe(value) };
  const message = `${owner}: ${name}${blame.path} must be ${blame.expected}, got ${blame.got}`;
  return new ClusterError('INVALID_OPTIONS', message);
}

/** Bounds of a number, both included. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
}

/** The rules that adapters build theirs from. */
export const rule = {
  /** Milliseconds, finite; fractions are fine. */
  duration: (range: NumberRange = {}): OptionRule<number> => numberRule('a number of milliseconds', range, false),
  integer: (range: NumberRange = {}): OptionRule<number> => numberRule('an integer', range, true),
  number: (range: NumberRange = {}): OptionRule<number> => numberRule('a number', range, false),
  flag: (): OptionRule<boolean> => ({
    expected: 'true or false',
    accept: (value) => (typeof value === 'boolean' ? value : undefined),
    fromText: (text) => ({ true: true, '1': true, false: false, '0': false })[text.toLowerCase()],
  }),
  text: (
    expected = 'a text that is not empty',
    accepts: (text: string) => boolean = (text) => text !== '',
  ): OptionRule<string> => {
    const accept = (value: unknown) => (typeof value === 'string' && accepts(value) ? value : undefined);
    return { expected, accept, fromText: accept };
  },
  /** A text that no error shows, though it be refused: its length is all that is told. */
  secret: ({ min, max }: { readonly min: number; readonly max: number }): OptionRule<string> => {
    const expected = `a text of ${min} to ${max} characters`;
    const plain = rule.text(expected, ({ length }) => length >= min && length <= max);
    const got = (value: unknown) => (typeof value === 'string' ? `one of ${value.length}` : describeUnquoted(value));
    return { ...plain, blame: (value) => ({ path: '', expected, got: got(value) }) };
  },
  oneOf: <T extends string>(...values: readonly T[]): OptionRule<T> => {
    const accept = (value: unknown) => values.find((candidate) => candidate === value);
    return { expected: `one of ${values.join(', ')}`, accept, fromText: accept };
  },
  /** An `Address`, or its text. */
  address: (): OptionRule<Address> => ({ expected: 'host:port', accept: acceptAddress, fromText: acceptAddress }),
  /** From text: separated by commas. */
  list: <T>(each: OptionRule<T>, expected = `a list, each ${each.expected}`): OptionRule<readonly T[]> => ({
    expected,
    accept: (value) => (Array.isArray(value) ? allOrNone(value.map((item) => each.accept(item))) : undefined),
    blame: (value) => {
      if (Array.isArray(value)) return firstRefused(each, value);
      return { path: '', expected, got: each.blame?.(value)?.got ?? describe(value) };
    },
    fromText: (text) => allOrNone(text.split(',').map((item) => each.fromText?.(item.trim()))),
  }),
  /** Whatever the predicate says. Not to be had from text. */
  value: <T>(expected: string, accepts: (value: unknown) => boolean): OptionRule<T> => ({
    expected,
    accept: (value) => (accepts(value) ? (value as T) : undefined),
    blame: (value) => ({ path: '', expected, got: describeUnquoted(value) }),
  }),
  /** An object of options of its own. Not to be had from text. */
  group: <O extends object>(owner: string, rules: OptionRules<O>): OptionRule<O> => ({
    expected: 'an object',
    accept: (value) => (isObject(value) ? checkOptions(owner, rules, value) : undefined),
    blame: (value) => ({ path: '', expected: 'an object', got: describeUnquoted(value) }),
  }),
};

function numberRule(
  what: string,
  { min = -Infinity, max = Infinity }: NumberRange,
  integer: boolean,
): OptionRule<number> {
  const accept = (value: unknown) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) return undefined;
    return integer && !Number.isSafeInteger(value) ? undefined : value;
  };
  const from = min === -Infinity ? '' : ` from ${min}`;
  const to = max === Infinity ? '' : ` to ${max}`;
  return {
    expected: what + from + to,
    accept,
    fromText: (text) => (text.trim() === '' ? undefined : accept(Number(text))),
  };
}

function acceptAddress(value: unknown): Address | undefined {
  if (isAddress(value)) return { host: value.host, port: value.port };
  if (typeof value !== 'string') return undefined;
  try {
    return parseAddress(value);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function allOrNone<T>(items: readonly (T | undefined)[]): readonly T[] | undefined {
  return items.some((item) => item === undefined) ? undefined : (items as readonly T[]);
}

function firstRefused<T>(each: OptionRule<T>, items: readonly unknown[]): Blame | undefined {
  const at = items.findIndex((item) => each.accept(item) === undefined);
  if (at < 0) return undefined;
  return { path: `[${at}]`, expected: each.expected, got: each.blame?.(items[at])?.got ?? describe(items[at]) };
}

/**
 * Where a secret or an object was expected, a text may be a secret, or one that belongs into it; and so may a number: a secret
 * of digits that JSON has no quotes around.
 */
function describeUnquoted(value: unknown): string {
  if (typeof value === 'string') return 'a text';
  return typeof value === 'number' || typeof value === 'bigint' ? 'a number' : describe(value);
}

function describe(value: unknown): string {
  if (isAddress(value)) return formatAddress(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return String(value);
}
