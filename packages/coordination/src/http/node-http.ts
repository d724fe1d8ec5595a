import type { MonotonicMs } from '@quorate/core';
import type { Led } from '../leading/led.ts';
import { errorText } from '../error-text.ts';

/** What is needed of `http.IncomingMessage`. */
export interface NodeRequest extends AsyncIterable<Uint8Array | string> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Where something is mounted under a path, as in Express: all that was asked for, of which `url` is what is left. */
  readonly originalUrl?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What is needed of `http.ServerResponse`. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader(name: string, value: string | readonly string[]): unknown;
  removeHeader(name: string): unknown;
  end(body?: Uint8Array | string): unknown;
  destroy(): unknown;
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

/** Tells the log of what has failed, each kind of it once in a while: anybody can send what fails. Never throws. */
export type Warn = (what: string, error: unknown) => void;

/** What is left to say when an answer fails. */
const FAILED: HttpAnswer = {
  status: 500,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: 'the request could not be answered\n',
};

const QUIET_MS = 5000;
/** Texts of the code; a status that stands in one is the leader's choice. */
const MAX_KINDS = 100;

/** @param led its machine is there once it was started: before, nobody can be told */
export function warnerOf(led: () => Pick<Led['system'], 'logger' | 'clock'>, owner: string): Warn {
  const kinds = new Map<string, { readonly quietUntil: MonotonicMs; suppressed: number }>();
  return (what, error) => {
    try {
      const { logger, clock } = led();
      const now = clock.now();
      const last = kinds.get(what);
      if (last !== undefined && now < last.quietUntil) {
        last.suppressed += 1;
        return;
      }
      if (kinds.size >= MAX_KINDS) kinds.clear();
      kinds.set(what, { quietUntil: now + QUIET_MS, suppressed: 0 });
      const more = last === undefined || last.suppressed === 0 ? '' : ` (and ${last.suppressed} more like it)`;
      logger.warn(`${owner}: ${what}: ${errorText(error)}${more}`, error);
    } catch {
      // A log that fails is no reason to fail as well.
    }
  };
}

/** A header of a request; of several with one name, the first. */
export function headersOf({ headers }: NodeRequest): HeaderReader {
  return (name) => {
    const value = headers[name.toLowerCase()];
    return typeof value === 'string' || value === undefined ? value : value[0];
  };
}

/** Writes what is answered, or that nothing could be. Never rejects: a request must not take the process along. */
export async function answerNode(response: NodeResponse, answer: () => Promise<HttpAnswer>, warn: Warn): Promise<void> {
  writeAnswer(response, await answerOrFailure(answer, warn), warn);
}

/** The same for the web's kind. */
export async function answerWeb(answer: () => Promise<HttpAnswer>, warn: Warn): Promise<Response> {
  return webAnswer(await answerOrFailure(answer, warn), warn);
}

/** Never throws: what can't be written is answered with 500, or broken off. */
export function writeAnswer(response: NodeResponse, answer: HttpAnswer, warn: Warn): void {
  if (response.headersSent) return;
  try {
    write(response, answer);
  } catch (error) {
    warn(`an answer with the status ${answer.status} could not be written`, error);
    writeFailure(response, Object.keys(answer.headers));
  }
}

/** Never throws: 500 for what can't be a response. */
export function webAnswer(answer: HttpAnswer, warn: Warn): Response {
  try {
    return responseOf(answer);
  } catch (error) {
    warn(`an answer with the status ${answer.status} could not be made`, error);
    return responseOf(FAILED);
  }
}

/** The path of a URL with its query, also of one that is whole (RFC 9112, section 3.2.2). */
export function targetOf(url: string | undefined): string {
  const [target = ''] = (url ?? '/').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/iu, '').split('#', 1);
  return target.startsWith('/') ? target : `/${target}`;
}

/**
 * Whether a request is for a path: as it was asked for, or as it is seen from where the handler is mounted, be it at the
 * path itself, under a prefix, or both.
 */
export function isFor({ url, originalUrl }: Pick<NodeRequest, 'url' | 'originalUrl'>, path: string): boolean {
  const left = pathOf(url);
  if (left === path) return true;
  if (originalUrl === undefined) return false;
  // What is left of the path at which it is mounted is "/".
  return pathOf(originalUrl).endsWith(path) && path.endsWith(left === '/' ? '' : left);
}

function pathOf(url: string | undefined): string {
  return targetOf(url).split('?', 1)[0] ?? '/';
}

/** A signal that aborts when the client has gone. */
export function goneSignal(response: NodeResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}

async function answerOrFailure(answer: () => Promise<HttpAnswer>, warn: Warn): Promise<HttpAnswer> {
  try {
    return await answer();
  } catch (error) {
    warn('a request could not be answered', error);
    return FAILED;
  }
}

function write(response: NodeResponse, { status, headers, body }: HttpAnswer): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body);
}

function writeFailure(response: NodeResponse, names: readonly string[]): void {
  try {
    for (const name of names) response.removeHeader(name);
    write(response, FAILED);
  } catch {
    // Something of the answer is out already: the client must not wait for the rest.
    response.destroy();
  }
}

function responseOf({ status, headers, body }: HttpAnswer): Response {
  // These have no body, and `Response` insists on it.
  const isEmpty = status === 204 || status === 205 || status === 304;
  const pairs = Object.entries(headers).flatMap(([name, value]) => {
    return typeof value === 'string' ? [[name, value]] : value.map((each) => [name, each]);
  });
  return new Response(isEmpty ? null : body, { status, headers: pairs as [string, string][] });
}
