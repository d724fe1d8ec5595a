import type { Disk, DiskFile } from '@quorate/core';

const PAGE_BYTES = 4096;

/** Each page of a write fares on its own in a crash, in any order, as on a real disk. */
export function pageDisk(disk: Disk): Disk {
  const wrapped: Disk = Object.create(disk, {
    open: { value: async (path: string, options?: { create?: boolean }) => pageFile(await disk.open(path, options)) },
  });
  for (const name of ['rename', 'remove', 'makeDirectory', 'list', 'syncDirectory', 'lock'] as const) {
    Object.defineProperty(wrapped, name, { value: (disk[name] as () => unknown).bind(disk) });
  }
  return wrapped;
}

function pageFile(file: DiskFile): DiskFile {
  return {
    read: (buffer, position) => file.read(buffer, position),
    write: async (chunks, position) => {
      const bytes = Buffer.concat(chunks);
      // Whole segments of zeros would only take time.
      const step = bytes.length > 16 * PAGE_BYTES ? bytes.length : PAGE_BYTES;
      const writes: Promise<void>[] = [];
      for (let at = 0; at < bytes.length; at += step) {
        writes.push(file.write([bytes.subarray(at, at + step)], position + at));
      }
      await Promise.all(writes);
    },
    sync: () => file.sync(),
    truncate: (size) => file.truncate(size),
    size: () => file.size(),
    close: () => file.close(),
  };
}
