import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';

import { linkSignals } from '../src/index.ts';

describe('linked signals', () => {
  it('aborts with the first of its sources, for its reason', () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const { signal } = linkSignals(first.signal, undefined, second.signal);
    expect(signal.aborted).toBe(false);
    second.abort('why');
    first.abort('too late');
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBe('why');
  });

  it('is aborted from the beginning when a source is', () => {
    const { signal } = linkSignals(new AbortController().signal, AbortSignal.abort('before'));
    expect(signal.reason).toBe('before');
  });

  it('leaves nothing at its sources once it is disposed of', () => {
    const source = new AbortController();
    const link = linkSignals(source.signal);
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(1);
    link[Symbol.dispose]();
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(0);
    source.abort();
    expect(link.signal.aborted).toBe(false);
  });
});
