/** Something that happened on a node, or that it has seen. */
export interface NodeEvent {
  /** ISO 8601. */
  readonly at: string;
  readonly type:
    | 'leader'
    | 'elected'
    | 'ended'
    | 'member'
    | 'refused'
    | 'replication'
    | 'housekeeping'
    | 'stopping'
    | 'error';
  readonly text: string;
}
