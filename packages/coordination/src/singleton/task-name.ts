/** Whether a value from outside is the name of a task: 1 to 128 letters, digits, `.`, `_`, `:`, `/` and `-`. */
export function isTaskName(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9._:/-]{1,128}$/u.test(value);
}
