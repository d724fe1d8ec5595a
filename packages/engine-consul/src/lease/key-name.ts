const KEY_PART = /^[A-Za-z0-9_.~@:+=,-]{1,128}$/u;
const MAX_PARTS = 16;

/** Whether a text is the name of a key that every tool of Consul's can be given: parts between slashes. */
export function isKey(text: string): boolean {
  const parts = text.split('/');
  return parts.length <= MAX_PARTS && parts.every((part) => KEY_PART.test(part) && !isStep(part));
}

/** A text as one part of a key's name, another for each text: as it is where it can be, otherwise with escapes of URIs. */
export function keyPart(text: string): string {
  // On the way to Consul empty parts and steps are taken out of a path.
  if (text === '') return '%';
  return isStep(text) ? text.replaceAll('.', '%2E') : encodeURIComponent(text.toWellFormed());
}

function isStep(part: string): boolean {
  return part === '.' || part === '..';
}
