import { checkOptions, ClusterError, type OptionRules, rule } from '@quorate/core';

export interface FileStorageOptions {
  /**
   * The absolute path of the node's directory, for it alone. Made when it is missing. Must be on a disk that belongs to
   * the machine, or on a network file system whose record locks work.
   */
  readonly directory: string;
}

const MAX_PATH_LENGTH = 1024;
/** Absolute, and not the root itself. */
const ABSOLUTE = /^(?:\/+|[A-Za-z]:[/\\]+)[^/\\]/u;

const rules: OptionRules<FileStorageOptions> = {
  directory: rule.text(
    'an absolute path below the root',
    (path) => ABSOLUTE.test(path) && !path.includes('\0') && path.length <= MAX_PATH_LENGTH,
  ),
};

/** @throws ClusterError `INVALID_OPTIONS` */
export function checkFileStorageOptions(given: FileStorageOptions): FileStorageOptions {
  const { directory } = checkOptions('fileStorage', rules, given);
  if (directory === undefined) throw new ClusterError('INVALID_OPTIONS', 'fileStorage: directory must be given');
  return { directory: normalPath(directory) };
}

/** With `/` between the names, as the disk has it, and none at the end. */
function normalPath(path: string): string {
  const slashed = /^[A-Za-z]:/u.test(path) ? path.replaceAll('\\', '/') : path;
  return slashed.replace(/\/+$/u, '');
}
