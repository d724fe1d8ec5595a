/**
 * Calls what a user gave. What it throws goes to `onError`, and so does what it rejects with when it is async: a
 * rejection that nobody takes would end the process.
 */
export function guardedCall(call: () => unknown, onError: (error: unknown) => void): void {
  try {
    const result = call();
    if (result instanceof Promise) result.catch(onError);
  } catch (error) {
    onError(error);
  }
}
