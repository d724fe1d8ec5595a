/** What the supervisor asks of a node over IPC: that it ask its discovery, and report what that finds. */
export type NodeRequest = 'discover';

export function isNodeRequest(message: unknown): message is NodeRequest {
  return message === 'discover';
}
