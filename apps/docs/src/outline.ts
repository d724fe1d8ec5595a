import path from 'node:path';

/** The chapters that each package's page has, in this order; others stand between the first and the last two. */
const CHAPTERS: readonly string[] = ['Options', 'Guarantees', 'Limits', 'See also'];

/** How the page of a package differs from the outline that all of them have, a line each. */
export function problemsOf(page: string, text: string): readonly string[] {
  const name = `@quorate/${path.posix.basename(path.posix.dirname(page))}`;
  const [introduction = '', ...chapters] = withoutCode(text).split(/^## /mu);
  const headings = chapters.map((chapter) => chapter.slice(0, chapter.indexOf('\n')));
  const isInOrder =
    headings.filter((heading) => CHAPTERS.includes(heading)).join() === CHAPTERS.join() &&
    headings[0] === CHAPTERS[0] &&
    headings.slice(-2).join() === CHAPTERS.slice(-2).join();
  const said: readonly (readonly [boolean, string])[] = [
    [introduction.startsWith(`# ${name}\n`), `begins with "# ${name}"`],
    [installs(introduction).includes(name), 'says how it is installed'],
    [introduction.includes('```ts'), 'has an example before its chapters'],
    [isInOrder, `has ${CHAPTERS.join(', ')}: the first and the last two at these places, not ${headings.join(', ')}`],
  ];
  return said.filter(([holds]) => !holds).map(([, what]) => `${page}: it ${what}`);
}

/** What `npm i` gets there. */
function installs(text: string): readonly string[] {
  return [...text.matchAll(/^ {4}npm i (?<names>.*)$/gmu)].flatMap(({ groups }) => groups?.['names']?.split(' ') ?? []);
}

/** Blocks keep their fences, and lose what may look like a heading. */
function withoutCode(text: string): string {
  return text.replaceAll(/^(```[^\n]*\n)[\s\S]*?^```$/gmu, '$1```');
}
