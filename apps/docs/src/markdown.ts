/** A link of a page: `[text](target)` or `![text](target)`, with where the target stands in the text. */
export interface Link {
  readonly target: string;
  readonly start: number;
}

const CODE =
  /^(?<fence> *(?:`{3,}|~{3,})).*\n[\s\S]*?^ *(?:`{3,}|~{3,}) *$|^(?: {4}|\t).*$|(?<ticks>`+)[\s\S]*?[^`]\k<ticks>(?!`)/gmu;
const LINK = /\]\((?<target>[^)\s]+)\)/gu;
const HEADING = /^#{1,6} +(?<text>.+?) *#*$/gmu;

/** The links of a page, in order; what looks like one inside of code is none. */
export function linksOf(text: string): readonly Link[] {
  return [...withoutCode(text).matchAll(LINK)].map(({ index, groups }) => {
    const target = groups?.['target'] ?? '';
    return { target, start: index + 2 };
  });
}

/** The page with each link's target replaced by what `replace` makes of it. */
export function withLinks(text: string, replace: (target: string) => string): string {
  let result = '';
  let end = 0;
  for (const { target, start } of linksOf(text)) {
    result += text.slice(end, start) + replace(target);
    end = start + target.length;
  }
  return result + text.slice(end);
}

/** The names by which links reach the headings of a page, as GitHub makes them; the second of one name ends in -1. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const heading of headingsOf(text)) {
    const slug = slugOf(heading);
    let name = slug;
    for (let count = 1; anchors.has(name); count += 1) name = `${slug}-${count}`;
    anchors.add(name);
  }
  return anchors;
}

/** The first heading, as plain text. */
export function titleOf(text: string): string | undefined {
  return headingsOf(text)[0]?.replaceAll(/[`*]/gu, '');
}

/** GitHub's name for a heading: letters, digits, hyphens and underscores; a space is a hyphen. */
export function slugOf(heading: string): string {
  const plain = heading.replaceAll(/\[(?<text>[^\]]*)\]\([^)]*\)/gu, '$<text>');
  const kept = plain.toLowerCase().replaceAll(/[^\p{Letter}\p{Mark}\p{Number}\- _]/gu, '');
  return kept.trim().replaceAll(' ', '-');
}

function headingsOf(text: string): readonly string[] {
  const lines = text.replaceAll(/^( *)(`{3,})[^\n]*\n[\s\S]*?^ *\2 *$/gmu, '');
  return [...lines.matchAll(HEADING)].map(({ groups }) => groups?.['text'] ?? '');
}

/** The text with every character of code replaced by a blank, so that places stay the same. */
function withoutCode(text: string): string {
  return text.replaceAll(CODE, (code) => code.replaceAll(/[^\n]/gu, ' '));
}
