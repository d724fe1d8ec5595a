/** Of a name in text, without the dot at its end. (RFC 1035, section 2.3.4) */
const MAX_NAME_LENGTH = 253;
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/u;

/** Whether a text can be asked for: labels of letters, digits, `-` and `_`; a dot at the end is fine. */
export function isDnsName(text: string): boolean {
  const name = text.replace(/\.$/u, '');
  return name.length <= MAX_NAME_LENGTH && name.split('.').every((label) => LABEL.test(label));
}

/** Names differ neither by case nor by the dot at the end. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/u, '');
}

/** How a name that is not written out is completed, as in resolv.conf(5). */
export interface SearchRules {
  /** Tried as endings, in this order. */
  readonly search: readonly string[];
  /** A name with fewer dots is tried with the endings first, any other as it is first. */
  readonly ndots: number;
}

/** The full names that a name may stand for, in the order in which to try them. One that ends with a dot is full. */
export function fullNames(name: string, { search, ndots }: SearchRules): readonly string[] {
  if (name.endsWith('.')) return [canonicalName(name)];
  const completed = search.map((ending) => canonicalName(`${name}.${ending}`)).filter(isDnsName);
  const dots = name.split('.').length - 1;
  const all = dots >= ndots ? [canonicalName(name), ...completed] : [...completed, canonicalName(name)];
  return [...new Set(all)];
}
