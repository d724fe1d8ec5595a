import { expect, it } from 'vitest';

import { imports } from '../src/imports.ts';
import { publishedModules } from '../src/published-modules.ts';

it('knows what can be imported of each published package, as built', () => {
  const modules = publishedModules();
  const specifiers = modules.map(({ specifier }) => specifier);
  expect(specifiers).toEqual(expect.arrayContaining(['@quorate/core', '@quorate/core/node', '@quorate/raft-host']));
  expect(new Set(specifiers).size).toBe(specifiers.length);
  for (const { specifier, url } of modules) {
    expect(specifier).toMatch(/^@quorate\/[a-z-]+(?:\/(?:node|protocol))?$/u);
    expect(url).toMatch(/^file:.*\/packages\/[a-z-]+\/dist\/(?:(?:node|protocol)\/)?index\.js$/u);
  }
});

it.each(['0', '2.5', 'many', '1001'])('refuses %s rounds', (rounds) => {
  expect(() => imports.run(['--rounds', rounds])).toThrow('--rounds: 1 to 1000');
});
