import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Swim } from '../../src/protocol/swim.ts';
import { PROMISES } from './promises.ts';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = path.join(PACKAGE, '.mutants');

interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Text that stands there exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly breaks: keyof typeof PROMISES;
  /** At which it shows. */
}

const MUTATIONS: readonly Mutation[] = [
  {
    name: 'nobody refutes',
    file: 'own-record.ts',
    find: 'this.#renew(nextVersion(heard));',
    replace: '',
    breaks: 'who stands still for some seconds comes back',
  },
  {
    name: 'who is asked is not believed',
    file: 'doubts.ts',
    find: 'if (doubt?.doubted.incarnation === run && doubt.asked.has(by)) this.#doubts.delete(id);',
    replace: '',
    breaks: 'what one has missed is said to nobody else',
  },
  {
    name: 'what one has found against a member is enough',
    file: 'doubts.ts',
    find: "if (known?.state === 'suspect' && isSameVersion(known, rumour)) this",
    replace: 'if (known !== undefined) this',
    breaks: 'what one has missed is said to nobody else',
  },
  {
    name: 'confirmations change nothing',
    file: 'suspicions.ts',
    find: 'suspicionMs(bounds, witnesses.size - 1)',
    replace: 'suspicionMs(bounds, 0)',
    breaks: 'each death is learnt by all, and soon',
  },
  {
    name: 'stalled and silent are one',
    file: 'suspicions.ts',
    find: "if (isAmong(witnesses, 'stalled')) return",
    replace: 'if (witnesses.size < 0) return',
    breaks: 'who stands still for some seconds comes back',
  },
  {
    name: 'a rumour never ends',
    file: 'rumour-queue.ts',
    find: 'if (times >= limit) this.remove(queued.key);\n      else this.#stack(queued, times);',
    replace: 'this.#stack(queued, Math.min(times, limit - 1));',
    breaks: 'news comes to rest',
  },
  {
    name: 'an id stays where it was',
    file: 'claims.ts',
    find: "if (result === 'failed') whenFree();",
    replace: '',
    breaks: 'who is started again elsewhere is taken in there',
  },
  {
    name: 'the later run has the id',
    file: 'beliefs.ts',
    find: 'if (isDoubtful && from === state.id)',
    replace: 'if (isDoubtful && from === "")',
    breaks: 'who takes the id of one that lives is not let in',
  },
  {
    name: 'what is as new is believed',
    file: 'beliefs.ts',
    find: 'else if (order > 0) this.#believe(rumour, known);',
    replace: "else if (order > 0 || known.state === 'left') this.#believe(rumour, known);",
    breaks: 'old news brings nobody back',
  },
  {
    name: 'hearsay of the gone is told on',
    file: 'swim.ts',
    find: 'if (member.isHearsay === undefined || member.id === to) yield member;',
    replace: 'yield member;',
    breaks: 'who is gone is forgotten by all in the end',
  },
  {
    name: 'a pause goes unnoticed',
    file: 'swim.ts',
    find: 'if (lateMs <= settings.pauseBoundMs) return;',
    replace: 'if (lateMs <= Infinity) return;',
    breaks: 'who stood still doubts nobody',
  },
];

/** As many as it takes: each is another story. */
const SEEDS = [1, 2, 3, 4, 5, 6];

describe('a machine with one rule broken', () => {
  afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

  it.each(MUTATIONS)('$name: is seen to break its promise', async (mutation) => {
    const machine = await mutant(mutation);
    const isSeen = SEEDS.some((seed) => PROMISES[mutation.breaks](machine, seed).length > 0);
    expect(isSeen).toBe(true);
  });
});

async function mutant({ name, file, find, replace }: Mutation): Promise<typeof Swim> {
  const folder = path.join(FOLDER, name.replaceAll(/\W+/gu, '-'));
  cpSync(path.join(PACKAGE, 'src', 'protocol'), folder, { recursive: true });
  const text = readFileSync(path.join(folder, file), 'utf8');
  if (text.split(find).length !== 2) throw new Error(`${name}: its text doesn't stand once in ${file}`);
  writeFileSync(
    path.join(folder, file),
    text.replace(find, () => replace),
  );
  const { Swim: broken } = (await import(pathToFileURL(path.join(folder, 'swim.ts')).href)) as { Swim: typeof Swim };
  return broken;
}
