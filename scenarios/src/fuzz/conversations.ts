import type { StreamTap, Tap } from './tapped-system.ts';
import { type FrameBody, FrameCutter, helloBody, introductionIn, kindOf, wireType } from './wire-frames.ts';

/** What one side of a connection said, from its first frame on, put as by one who has dialled. */
export type Conversation = readonly [hello: FrameBody, ready: FrameBody, ...rest: FrameBody[]];

/** So many of a kind are worth replaying, or what is said most is all that there is. */
const MAX_OF_A_KIND = 12;
const MAX_DATAGRAMS = 300;

/** Keeps what a node says, and changes nothing. */
export class Recorder implements Tap {
  readonly datagrams: Uint8Array[] = [];
  readonly #conversations: FrameBody[][] = [];

  get conversations(): readonly Conversation[] {
    return this.#conversations.flatMap((frames) => {
      const conversation = dialled(frames);
      return conversation === undefined ? [] : [conversation];
    });
  }

  stream(): StreamTap {
    const cutter = new FrameCutter();
    const frames: FrameBody[] = [];
    const counts = new Map<string, number>();
    this.#conversations.push(frames);
    return (bytes) => {
      for (const body of cutter.push(bytes)) {
        const kind = kindOf(body);
        const count = (counts.get(kind) ?? 0) + 1;
        counts.set(kind, count);
        if (count <= MAX_OF_A_KIND) frames.push(body.slice());
      }
      return [bytes];
    };
  }

  plain(payload: Uint8Array): Uint8Array {
    return payload;
  }

  datagram(payload: Uint8Array): readonly Uint8Array[] {
    if (this.datagrams.length < MAX_DATAGRAMS) this.datagrams.push(payload.slice());
    return [payload];
  }
}

/** The same conversation by somebody who is called so. */
export function spokenBy(name: string, incarnation: number, [hello, ...rest]: Conversation): Conversation {
  const { node, ...others } = introductionIn(hello) ?? {};
  const intro = { ...others, node: { ...(node as object), id: name }, incarnation };
  return [helloBody(JSON.stringify(intro)), ...rest];
}

/** Undefined when it got nowhere. */
function dialled(frames: readonly FrameBody[]): Conversation | undefined {
  const [first, ...rest] = frames;
  if (first === undefined || rest.length < 2) return undefined;
  const intro = introductionIn(first);
  if (intro === undefined) return undefined;
  const others = first[0] === wireType.HELLO ? rest.slice(1) : rest;
  return [helloBody(JSON.stringify(intro)), Uint8Array.of(wireType.READY), ...others];
}
