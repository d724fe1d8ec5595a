import type { Host } from '@quorate/simulator';

const PAGE_BYTES = 4096;
const FRAME_MAGIC = 0x5146524d;
/** Behind the header of a frame: in what it says. */
const TABLE_OFFSET = 60;

/** The files of the log that this ending have, as the disk has them. */
export function logFiles(host: Host, ending: string): readonly string[] {
  return host.disk.files.filter((path) => path.startsWith('/data/log/') && path.endsWith(ending));
}

/** Where the frames of a segment begin, in order. */
function framesIn(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const pages = Array.from({ length: Math.floor(bytes.length / PAGE_BYTES) }, (_none, page) => page * PAGE_BYTES);
  return pages.filter((offset) => view.getUint32(offset) === FRAME_MAGIC);
}

/** Turns a bit over in an early frame of the oldest segment, with good ones behind it. Where that was. */
export function rotLog(host: Host): { readonly path: string; readonly offset: number } {
  const path = logFiles(host, '.segment')[0] ?? '';
  const frames = framesIn(host.disk.read(path) ?? new Uint8Array(0));
  const offset = frames[1];
  if (offset === undefined || frames.length < 5) throw new Error(`${path} has ${frames.length} frames: too few`);
  host.disk.flipBit(path, offset + TABLE_OFFSET);
  return { path, offset };
}

/** Turns a bit over in the content of the newest snapshot. */
export function rotSnapshot(host: Host): string {
  const path = logFiles(host, '.snapshot').at(-1);
  const size = path === undefined ? 0 : (host.disk.read(path)?.length ?? 0);
  if (path === undefined || size === 0) throw new Error(`${host.name} has no snapshot`);
  host.disk.flipBit(path, size - 1);
  return path;
}

/** Turns a bit over in the first large entry that the oldest segment with any has. */
export function rotEntry(host: Host): void {
  for (const path of logFiles(host, '.segment')) {
    const frames = framesIn(host.disk.read(path) ?? new Uint8Array(0));
    const large = frames.findIndex((offset, at) => (frames[at + 1] ?? offset) - offset > 2 * PAGE_BYTES);
    if (large < 0) continue;
    host.disk.flipBit(path, (frames[large] ?? 0) + PAGE_BYTES + TABLE_OFFSET);
    return;
  }
  throw new Error(`${host.name} has no large entry`);
}
