/** What went wrong, in words, whatever was thrown. Never throws: some values can't be made a text. */
export function errorText(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'what was thrown has no text';
  }
}
