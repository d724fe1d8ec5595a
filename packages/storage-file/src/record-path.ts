import { isRecordName } from '@quorate/core';

const SUFFIX = '.record';
/** Of a file that is not finished yet. */
export const DRAFT_SUFFIX = '.draft';

/** Capitals get a `~` and become small: some file systems don't tell them apart. */
export function fileNameOf(recordName: string): string {
  return recordName.replace(/[A-Z]/gu, (capital) => `~${capital.toLowerCase()}`) + SUFFIX;
}

/** The reverse; undefined for a file that is no record's. */
export function recordNameOf(fileName: string): string | undefined {
  if (!fileName.endsWith(SUFFIX)) return undefined;
  const name = fileName.slice(0, -SUFFIX.length).replace(/~[a-z]/gu, (pair) => pair.slice(1).toUpperCase());
  return isRecordName(name) && fileNameOf(name) === fileName ? name : undefined;
}

export function isDraft(fileName: string): boolean {
  return fileName.endsWith(SUFFIX + DRAFT_SUFFIX);
}
