/** What is needed of `http.IncomingMessage`. */
export interface MetricsRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

/** What is needed of `http.ServerResponse`. */
export interface MetricsResponse {
  statusCode: number;
  readonly headersSent?: boolean;
  setHeader(name: string, value: string): unknown;
  end(body?: string): unknown;
}

/** What is answered from. */
interface Source {
  readonly contentType: string;
  text(): Promise<string>;
}

export type MetricsHandler = (request: MetricsRequest, response: MetricsResponse) => void;

/** Answers each GET and HEAD, whatever the path: what it is mounted at is the program's choice. */
export function metricsHandler(source: Source): MetricsHandler {
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return answer(response, 405, 'text/plain', 'only GET and HEAD\n');
    }
    const isHead = request.method === 'HEAD';
    source.text().then(
      (text) => answer(response, 200, source.contentType, isHead ? undefined : text),
      () => answer(response, 500, 'text/plain', 'the metrics could not be collected\n'),
    );
  };
}

/** Never throws: whatever stands in front of it, such as a limit of time, may have answered meanwhile. */
function answer(response: MetricsResponse, status: number, contentType: string, body: string | undefined): void {
  if (response.headersSent === true) return;
  response.statusCode = status;
  response.setHeader('content-type', contentType);
  response.setHeader('cache-control', 'no-store');
  response.end(body);
}
