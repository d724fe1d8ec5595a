/** What an answer says that is none of success (RFC 9457). */
export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly outcome?: 'not-applied' | 'unknown';
}
