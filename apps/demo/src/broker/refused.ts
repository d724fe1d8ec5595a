import type { RefusalCode, Result } from './commands.ts';

/** Nothing was changed. */
export function refused(code: RefusalCode, message: string): Result {
  return { type: 'refused', code, message };
}
