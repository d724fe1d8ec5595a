/** Notices what would end a process: rejections that nobody handles, and errors that nobody catches. */
export async function withoutUnhandled<T>(run: () => Promise<T>): Promise<T> {
  const seen: unknown[] = [];
  const note = (error: unknown): void => void seen.push(error);
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  try {
    const result = await run();
    await new Promise((resolve) => void setImmediate(resolve));
    if (seen.length > 0) throw new Error('what nobody handles would have ended the process', { cause: seen[0] });
    return result;
  } finally {
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
  }
}
