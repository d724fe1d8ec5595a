import { confChangeRunner } from './conf-change-runner.ts';
import { interactionRunner } from './interaction-runner.ts';
import { quorumRunner } from './quorum-runner.ts';
import type { Runner } from './replay.ts';

/** By sub-folder: what understands its transcripts. Each file starts anew. */
export const RUNNERS: Readonly<Record<string, () => Runner>> = {
  quorum: quorumRunner,
  confchange: confChangeRunner,
  interaction: interactionRunner,
};
