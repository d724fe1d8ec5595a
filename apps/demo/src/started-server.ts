/** A server that was started for one run of the demo, with temporary files. */
export interface StartedServer extends AsyncDisposable {
  /** As `--registry` and `--elector` take it. */
  readonly place: string;
}
