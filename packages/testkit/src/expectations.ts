import { type ClusterError, type ClusterErrorCode, isClusterError } from '@quorate/core';

/** A promise of a contract that the part did not keep. Frameworks show `expected` and `actual` as a difference. */
export class ExpectationError extends Error {
  override readonly name = 'ExpectationError';
  readonly expected: unknown;
  readonly actual: unknown;

  constructor(
    message: string,
    details: { readonly expected?: unknown; readonly actual?: unknown; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.expected = details.expected;
    this.actual = details.actual;
  }
}

/** @param what what ought to be true, as a sentence */
export function expectThat(holds: boolean, what: string): asserts holds {
  if (!holds) throw new ExpectationError(`expected that ${what}`);
}

/** By content, whatever the order of fields; bytes, maps and sets count as their contents. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (isEqual(actual, expected)) return;
  throw new ExpectationError(`${what}: expected ${show(expected)}, got ${show(actual)}`, { expected, actual });
}

/** The value, if there is one. */
export function expectDefined<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new ExpectationError(`expected ${what}, got nothing`);
  return value;
}

/**
 * Rejects, and by a `ClusterError` with this code. Throwing instead of rejecting is wrong too. The result may be awaited
 * later: nobody need listen until then.
 */
export function expectRejection(
  call: () => Promise<unknown>,
  code: ClusterErrorCode | readonly ClusterErrorCode[],
  what: string,
): Promise<ClusterError> {
  const judged = judgeRejection(call, code, what);
  judged.catch(() => undefined);
  return judged;
}

/** Throws, in the call itself, a `ClusterError` with this code. */
export function expectThrow(call: () => unknown, code: ClusterErrorCode, what: string): ClusterError {
  let value: unknown;
  try {
    value = call();
  } catch (error) {
    return expectCode(error, code, what);
  }
  throw new ExpectationError(`${what}: expected it to throw ${code}, got ${show(value)}`);
}

/** A value in a few words, for messages. */
export function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.byteLength} bytes [${[...value.subarray(0, 16)].join(' ')}]`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  try {
    return JSON.stringify(value, (_key, inner: unknown) => (isPlainJson(inner) ? inner : String(inner)));
  } catch {
    return 'an object that cannot be shown';
  }
}

async function judgeRejection(
  call: () => Promise<unknown>,
  code: ClusterErrorCode | readonly ClusterErrorCode[],
  what: string,
): Promise<ClusterError> {
  let promise: Promise<unknown>;
  try {
    promise = call();
  } catch (cause) {
    throw new ExpectationError(`${what}: expected a rejection, but it threw at once`, { cause });
  }
  return await promise.then(
    (value) => {
      throw new ExpectationError(`${what}: expected a rejection with ${String(code)}, got ${show(value)}`);
    },
    (error: unknown) => expectCode(error, code, what),
  );
}

function expectCode(error: unknown, code: ClusterErrorCode | readonly ClusterErrorCode[], what: string): ClusterError {
  const codes = [code].flat();
  if (isClusterError(error) && codes.includes(error.code)) return error;
  const got = isClusterError(error) ? error.code : show(error);
  const message = `${what}: expected a ClusterError with code ${codes.join(' or ')}, got ${got}`;
  throw new ExpectationError(message, { cause: error, expected: codes, actual: got });
}

function isPlainJson(value: unknown): boolean {
  return typeof value !== 'bigint' && typeof value !== 'function' && typeof value !== 'symbol';
}

/** By content, as `expectEqual`. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array || Array.isArray(a)) return isEqualList(a, b);
  if (Array.isArray(b) || b instanceof Uint8Array) return false;
  if (a instanceof Map || a instanceof Set) {
    return Object.getPrototypeOf(a) === Object.getPrototypeOf(b) && isEqual([...a], [...(b as typeof a)]);
  }
  const names = definedKeys(a);
  if (names.length !== definedKeys(b).length) return false;
  return names.every((name) => isEqual((a as Fields)[name], (b as Fields)[name]));
}

type Fields = Readonly<Record<string, unknown>>;

function isEqualList(a: Uint8Array | readonly unknown[], b: unknown): boolean {
  const bytes = a instanceof Uint8Array;
  if (bytes !== b instanceof Uint8Array || (!bytes && !Array.isArray(b))) return false;
  const other = b as ArrayLike<unknown>;
  return a.length === other.length && [...a].every((item, at) => isEqual(item, other[at]));
}

/** A field that is undefined is as good as none. */
function definedKeys(value: object): readonly string[] {
  return Object.entries(value).flatMap(([name, field]) => (field === undefined ? [] : [name]));
}
