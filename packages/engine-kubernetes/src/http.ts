import type { CallOptions } from '@quorate/core';

/** The way to the API server: one request, one answer, whose body may go on for long. */
export interface KubernetesHttp extends AsyncDisposable {
  /** The namespace that its credentials are for; undefined where they don't say. */
  namespace(): Promise<string | undefined>;
  /**
   * Sends a request with the credentials of the moment. Resolves when the head of the answer has arrived, whatever its
   * status; the signal also ends the body.
   * @throws ClusterError `DISCONNECTED` when there is no way to the server or its certificate isn't trusted,
   * `INVALID_OPTIONS` when there are no usable credentials. No message holds a credential
   */
  send(request: HttpRequest, options?: CallOptions): Promise<HttpAnswer>;
}

/** A request to be sent. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With the query. */
  readonly path: string;
  readonly body?: { readonly type: string; readonly text: string };
}

/** What was answered to a request. */
export interface HttpAnswer {
  readonly status: number;
  /** To be read once. Leaving the iteration early closes the connection. */
  readonly body: AsyncIterable<Uint8Array>;
}
