import type { HostDisk } from '@quorate/simulator';

/** A frame of a log, where the disk has it. */
export interface FrameOnDisk {
  readonly path: string;
  readonly offset: number;
  /** Without what fills its last page. */
  readonly length: number;
}

const PAGE_BYTES = 4096;
const HEADER_BYTES = 52;
const MAGIC = 0x5146524d;
const LOG_DIRECTORY = '/data/log/';

/** The files of the log in use whose names end so. */
export function logFiles(disk: HostDisk, ending: '.segment' | '.snapshot'): readonly string[] {
  return disk.files.filter((path) => path.startsWith(LOG_DIRECTORY) && path.endsWith(ending));
}

/** The frames of a log in the order in which they were written, as far as they can be found: some may have rotten. What storage-file writes is read here without its help. */
export function framesOn(disk: HostDisk): readonly FrameOnDisk[] {
  return logFiles(disk, '.segment').flatMap((path) => framesIn(path, disk.read(path) ?? new Uint8Array(0)));
}

function framesIn(path: string, bytes: Uint8Array): FrameOnDisk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const segment = Number.parseInt(path.slice(LOG_DIRECTORY.length), 10);
  const frames: FrameOnDisk[] = [];
  for (let offset = PAGE_BYTES; offset + HEADER_BYTES <= bytes.length; offset += PAGE_BYTES) {
    // Another number is a leftover of the file's former life.
    if (view.getUint32(offset) !== MAGIC || view.getUint32(offset + 44) !== segment) continue;
    const length = HEADER_BYTES + view.getUint32(offset + 32) + view.getUint32(offset + 36);
    frames.push({ path, offset, length });
  }
  return frames;
}
