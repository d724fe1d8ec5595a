import { titleOf } from './markdown.ts';
import { pages, textOf } from './pages.ts';
import { stagedAs } from './site-map.ts';

interface Item {
  readonly text: string;
  readonly link: string;
}
interface Group {
  readonly text: string;
  readonly collapsed: boolean;
  readonly items: Item[];
}

const GUIDES = [
  'first-cluster',
  'choosing-parts',
  'writing-an-adapter',
  'testing-your-cluster',
  'deploying',
  'operating',
  'tuning',
  'telemetry',
  'security',
  'guarantees',
].map((name) => `docs/${name}.md`);

/** Guides in the order in which they are read; all that isn't one in the group of its kind. */
export function sidebar(api: readonly Item[]): Group[] {
  const all = pages();
  const of = (pattern: RegExp) => all.filter((page) => pattern.test(page) && !GUIDES.includes(page)).map(itemOf);
  return [
    { text: 'Guides', collapsed: false, items: GUIDES.filter((page) => all.includes(page)).map(itemOf) },
    { text: 'How it works', collapsed: false, items: of(/^docs\/[^/]+\.md$/u) },
    { text: 'Packages', collapsed: true, items: of(/^packages\//u) },
    { text: 'API', collapsed: true, items: [...api] },
    { text: 'Programs and examples', collapsed: true, items: of(/^(?:apps|examples)\//u) },
    { text: 'Decisions', collapsed: true, items: of(/^docs\/decisions\//u) },
    { text: 'Project', collapsed: true, items: of(/^(?:CONTRIBUTING|SECURITY)\.md$/u) },
  ];
}

function itemOf(page: string): Item {
  return { text: titleOf(textOf(page)) ?? page, link: `/${stagedAs(page).replace(/\.md$/u, '')}` };
}
