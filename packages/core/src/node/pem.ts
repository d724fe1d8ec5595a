const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\w+/=\s]*)-----END \1-----/gu;

/** The blocks of that kind in a PEM text, each with its frame, as OpenSSL takes them. */
export function pemBlocks(text: string, kind: 'CERTIFICATE' | 'X509 CRL'): readonly string[] {
  return [...text.matchAll(BLOCK)].filter(([, name]) => name === kind).map(([block]) => block);
}

/** What is in a PEM block. */
export function pemBytes(block: string): Uint8Array {
  return new Uint8Array(Buffer.from(block.replaceAll(/-----[^-]+-----|\s/gu, ''), 'base64'));
}

/** Whether each block that begins also ends: what is half written, or damaged, would else be read without its rest. */
export function isWholePem(text: string): boolean {
  return (text.match(/-----BEGIN /gu) ?? []).length === (text.match(BLOCK) ?? []).length;
}
