import { type Context, context, type Span as ApiSpan, SpanStatusCode, trace } from '@opentelemetry/api';
import { isClusterError, type Span } from '@quorate/core';
import { carrierOf } from './trace-carrier.ts';

export class TracedSpan implements Span {
  readonly carrier: string | undefined;
  readonly #span: ApiSpan;
  readonly #within: Context;

  constructor(span: ApiSpan, parent: Context) {
    this.#span = span;
    this.#within = trace.setSpan(parent, span);
    this.carrier = carrierOf(span.spanContext());
  }

  run<T>(act: () => T): T {
    return context.with(this.#within, act);
  }

  setAttribute(name: string, value: string | number | boolean): void {
    this.#span.setAttribute(name, value);
  }

  end(error?: unknown): void {
    if (error !== undefined) {
      const code = isClusterError(error) ? error.code : error instanceof Error ? error.name : typeof error;
      this.#span.setAttribute('error.type', code);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: code });
    }
    this.#span.end();
  }
}
