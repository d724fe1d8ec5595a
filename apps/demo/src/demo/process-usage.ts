import { readFile } from 'node:fs/promises';

/** Of the clock that the system counts times of processes by, where it is a Linux. */
const TICKS_A_SECOND = 100;
const PAGE_BYTES = 4096;
const MIB = 1024 * 1024;
/** Fields of `/proc/PID/stat` behind the name, as proc(5) counts them from the third. */
const FIELDS = { userTime: 11, systemTime: 12, residentPages: 21 } as const;

/** What a process has used. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly memoryMib: number;
}

/** Undefined where this can't be known: it is gone, or the system is another. */
export async function usageOf(pid: number): Promise<Usage | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined) return undefined;
  const field = (index: number) => Number(fields[index]);
  return {
    cpuSeconds: (field(FIELDS.userTime) + field(FIELDS.systemTime)) / TICKS_A_SECOND,
    memoryMib: (field(FIELDS.residentPages) * PAGE_BYTES) / MIB,
  };
}
