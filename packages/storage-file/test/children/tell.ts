import { writeSync } from 'node:fs';

/** Writes a line to standard output before it returns. A pipe that is full is tried again: its reader may be slow. */
export function tell(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
