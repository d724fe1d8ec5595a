import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export interface TranscriptFile {
  /** Relative to the folder of all transcripts. */
  readonly name: string;
  readonly text: string;
}

const BESIDE_THE_REPOSITORY = resolve(import.meta.dirname, '../../../../../shared/data/etcd-raft');

/** The folder with transcripts of etcd-io/raft, which are read where they are and no part of this project. */
export function transcriptFolder(): string {
  const { ETCD_RAFT_DATA } = process.env;
  return ETCD_RAFT_DATA ? resolve(ETCD_RAFT_DATA) : BESIDE_THE_REPOSITORY;
}

/** All transcripts in a sub-folder of it, however deep, in order of name. None if there is no such folder. */
export function transcriptsIn(subfolder: string): TranscriptFile[] {
  return readTranscripts(transcriptFolder(), join(transcriptFolder(), subfolder));
}

/** Interactions that we wrote ourselves, for what those don't show. */
export function ownScenarios(): TranscriptFile[] {
  return readTranscripts(import.meta.dirname, join(import.meta.dirname, 'scenarios'));
}

function readTranscripts(root: string, folder: string): TranscriptFile[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const transcripts = paths.filter((path) => path.endsWith('.txt')).sort();
  return transcripts.map((path) => ({ name: relative(root, path), text: readFileSync(path, 'utf8') }));
}
