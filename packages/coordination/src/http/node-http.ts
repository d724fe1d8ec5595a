/** What is needed of `http.IncomingMessage`. */
export interface NodeRequest extends AsyncIterable<Uint8Array | string> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What is needed of `http.ServerResponse`. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader(name: string, value: string | readonly string[]): unknown;
  end(body?: Uint8Array | string): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** What is to be answered. */
export interface HttpAnswer {
  readonly status: number;
  /** Of those that may come several times, each by itself. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array<ArrayBuffer> | string;
}

export type HeaderReader = (name: string) => string | undefined;

/** A header of a request; of several with one name, the first. */
export function headersOf({ headers }: NodeRequest): HeaderReader {
  return (name) => {
    const value = headers[name.toLowerCase()];
    return typeof value === 'string' || value === undefined ? value : value[0];
  };
}

export function writeAnswer(response: NodeResponse, { status, headers, body }: HttpAnswer): void {
  if (response.headersSent) return;
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body);
}

export function webAnswer({ status, headers, body }: HttpAnswer): Response {
  // These have no body, and `Response` insists on it.
  const isEmpty = status === 204 || status === 304;
  const pairs = Object.entries(headers).flatMap(([name, value]) => {
    return typeof value === 'string' ? [[name, value]] : value.map((each) => [name, each]);
  });
  return new Response(isEmpty ? null : body, { status, headers: pairs as [string, string][] });
}

/** The path of a URL, without what is behind it. */
export function pathOf(url: string | undefined): string {
  return (url ?? '/').split(/[?#]/u, 1)[0] ?? '/';
}

/** A signal that aborts when the client has gone. */
export function goneSignal(response: NodeResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}
