/** Whether a value from outside is the id of a request: 1 to 64 letters, digits, `.`, `_`, `:` and `-`. */
export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9._:-]{1,64}$/u.test(value);
}
