import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

import { swimMembership } from '../src/index.ts';
import { DEFAULT_SETTINGS } from '../src/protocol/settings.ts';

interface Parameter {
  readonly name: string;
  readonly defaultText: string;
  /** By the star behind its name. */
  readonly canBeSet: boolean;
}

const ROW = /^\| (?<names>`\w+`.*?) \| (?<defaults>[\w, ]+) \|/u;
const defaults = new Map<string, unknown>(Object.entries(DEFAULT_SETTINGS));

const page = await readFile(new URL('../../../docs/membership.md', import.meta.url), 'utf8');
const section = /^## Parameters$(?<body>.*?)^## /msu.exec(page)?.groups?.['body'] ?? '';
const parameters = section.split('\n').flatMap((line): Parameter[] => {
  const { names = '', defaults: texts = '' } = ROW.exec(line)?.groups ?? {};
  const values = texts.split(', ');
  return [...names.matchAll(/`(\w+)`( \(\*\))?/gu)].map(([, name = '', star], at) => {
    return { name, defaultText: values[at] ?? '', canBeSet: star !== undefined };
  });
});

describe('the page about membership names the parameters of the protocol', () => {
  it('and all that can be set', () => {
    const settable = [...defaults.keys()].filter((name) => canBeSet(name));
    expect(settable.length).toBeGreaterThan(5);
    expect(parameters.filter((each) => each.canBeSet).map(({ name }) => name)).toEqual(
      expect.arrayContaining(settable),
    );
  });

  it.each(parameters)('$name', ({ name, defaultText, canBeSet: isStarred }) => {
    expect(defaults.has(name)).toBe(true);
    expect(defaultText).toBe(String(defaults.get(name)));
    expect(canBeSet(name)).toBe(isStarred);
  });
});

function canBeSet(name: string): boolean {
  try {
    swimMembership({ protocol: { [name]: defaults.get(name) } });
    return true;
  } catch {
    return false;
  }
}
