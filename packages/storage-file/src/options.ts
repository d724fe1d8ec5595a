import { checkOptions, ClusterError, type OptionRules, rule } from '@quorate/core';

/** What `fileStorage` is told. */
export interface FileStorageOptions {
  /**
   * The absolute path of the node's directory, for it alone. Made when it is missing. Must be on a disk that belongs to
   * the machine, or on a network file system whose record locks work.
   */
  readonly directory: string;
  /** How the log of replicated groups uses disk and memory. A node without such groups uses neither. */
  readonly log?: FileLogOptions;
}

/** How the log of a file storage is kept. */
export interface FileLogOptions {
  /**
   * The size that files of the log grow to, in bytes. What is no longer needed is given back in pieces of this size.
   * @default 67_108_864 (64 MiB)
   */
  readonly segmentBytes?: number;
  /**
   * The most memory, in bytes, for entries that were written or read lately, so that they needn't be read from disk.
   * @default 1_048_576 (1 MiB)
   */
  readonly cacheBytes?: number;
  /**
   * What happens when the log is damaged. `repair`: it is set aside, in files that stay until the next time, and the node
   * has its groups give it everything anew. `refuse`: it stays as it is, and its groups don't run on this node.
   * @default 'repair'
   */
  readonly onDamage?: 'repair' | 'refuse';
}

export interface CheckedFileStorageOptions {
  readonly directory: string;
  readonly log: Required<FileLogOptions>;
}

const LOG_DEFAULTS: Required<FileLogOptions> = {
  segmentBytes: 64 * 1024 * 1024,
  cacheBytes: 1024 * 1024,
  onDamage: 'repair',
};

const MAX_PATH_LENGTH = 1024;
/** Absolute, and not the root itself. */
const ABSOLUTE = /^(?:\/+|[A-Za-z]:[/\\]+)[^/\\]/u;

const logRules: OptionRules<FileLogOptions> = {
  segmentBytes: rule.integer({ min: 64 * 1024, max: 1024 * 1024 * 1024 }),
  cacheBytes: rule.integer({ min: 0, max: 64 * 1024 * 1024 * 1024 }),
  onDamage: rule.oneOf('repair', 'refuse'),
};

const rules: OptionRules<FileStorageOptions> = {
  directory: rule.text(
    'an absolute path below the root',
    (path) => ABSOLUTE.test(path) && !path.includes('\0') && path.length <= MAX_PATH_LENGTH,
  ),
  log: rule.group('fileStorage log', logRules),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function checkFileStorageOptions(given: FileStorageOptions): CheckedFileStorageOptions {
  const { directory, log } = checkOptions('fileStorage', rules, given);
  if (directory === undefined) throw new ClusterError('INVALID_OPTIONS', 'fileStorage: directory must be given');
  return { directory: normalPath(directory), log: { ...LOG_DEFAULTS, ...log } };
}

/** With `/` between the names, as the disk has it, and none at the end. */
function normalPath(path: string): string {
  const slashed = /^[A-Za-z]:/u.test(path) ? path.replaceAll('\\', '/') : path;
  return slashed.replace(/\/+$/u, '');
}
