import { joined } from './mutations.ts';
import { framed, helloBody, wireType } from './wire-frames.ts';

/** Texts where the handshake has JSON: all that a parser, and what believes a parser, can trip over. */
function hostileIntroductions(self: string, other: string, cluster: string): readonly string[] {
  const node = (id: string, more: string = ''): string => `{"id":${id},"host":"10.0.0.9","port":7000${more}}`;
  const intro = (nodeText: string, more: string = ''): string =>
    `{"cluster":${JSON.stringify(cluster)},"node":${nodeText},"incarnation":1,"maxFrameBytes":1048576,"auth":["none"]${more}}`;
  return [
    '['.repeat(8000),
    `${'['.repeat(4000)}${']'.repeat(4000)}`,
    `${'{"a":'.repeat(2500)}1${'}'.repeat(2500)}`,
    '1e999999',
    `"${'9'.repeat(8000)}"`,
    'null',
    '{"__proto__":{"cluster":"x"}}',
    intro(node('"__proto__"')),
    intro(node('"constructor"')),
    intro(node('"stranger"', ',"__proto__":{"port":0}')),
    intro(node('"stranger"', ',"metadata":{"__proto__":"x","constructor":"y","toString":"z"}')),
    intro(node('"stranger"', ',"metadata":{"a":{"toString":1}}')),
    intro(node(String.raw`"\ud800"`)),
    intro(node(String.raw`"stranger\n\u001b[2Jx"`)),
    intro(node(`"${'x'.repeat(5000)}"`)),
    intro(node('{"toString":1,"valueOf":1}')),
    intro(node(JSON.stringify(self))),
    intro(node(JSON.stringify(other))),
    intro(node('"stranger"', ',"weight":1e308')),
    intro(node('"stranger"', ',"weight":-1')),
    intro(node('"stranger"'), ',"incarnation":9007199254740993'),
    intro(node('"stranger"'), ',"incarnation":-1'),
    intro(node('"stranger"'), ',"maxFrameBytes":1e300'),
    intro(node('"stranger"'), ',"auth":{"length":1}'),
    intro(node('"stranger"'), `,"auth":[${'"none",'.repeat(2000)}"none"]`),
    intro(node('"stranger"'), ',"clusterId":{"toString":1}'),
    intro(node('"stranger"'), `,"clusterId":"${'y'.repeat(300)}"`),
  ];
}

/** Openings that lead nowhere: of a protocol, a version, a length or a content that is wrong. */
export function hostileOpenings(self: string, other: string, cluster: string): readonly Uint8Array[] {
  const hellos = hostileIntroductions(self, other, cluster).map((text) => framed(helloBody(text)));
  return [
    ...hellos,
    ...[0, 0xffffffff, 0x7fffffff, 16 * 1024 + 1].map((length) => framed(helloBody('{}'), length)),
    framed(helloBody('{}', 0x51554f53)),
    framed(helloBody('{}', undefined, 0, 0)),
    framed(helloBody('{}', undefined, 2, 0xffff)),
    framed(helloBody('{}', undefined, 9, 1)),
    framed(Uint8Array.of(wireType.HELLO)),
    framed(Uint8Array.of(wireType.READY)),
    framed(Uint8Array.of(wireType.WELCOME, 0x51, 0x55, 0x4f, 0x52, 0, 1, 0x7b, 0x7d)),
    joined(Array.from({ length: 300 }, (_, type) => framed(Uint8Array.of(type & 0xff)))),
    new TextEncoder().encode('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3),
  ];
}
