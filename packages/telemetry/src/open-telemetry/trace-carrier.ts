import { type Context, isSpanContextValid, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import { isCarrier } from '@quorate/core';

/** W3C Trace Context, section 3.2: `version-traceId-parentId-flags`. */
export function carrierOf(of: SpanContext | undefined): string | undefined {
  if (of === undefined || !isSpanContextValid(of)) return undefined;
  return `00-${of.traceId}-${of.spanId}-${(of.traceFlags & 0xff).toString(16).padStart(2, '0')}`;
}

/** The context in which that span is the parent; undefined for what is no carrier. */
export function contextOf(carrier: string): Context | undefined {
  if (!isCarrier(carrier)) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = carrier.split('-');
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}
