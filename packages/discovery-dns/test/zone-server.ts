import type { Address, DatagramSocket, Listener, Net } from '@quorate/core';
import { type Answer, decode, type DecodedPacket, encode, type Packet } from 'dns-packet';

export interface SeenQuery {
  readonly name: string;
  readonly type: string;
  readonly id: number;
  readonly overTcp: boolean;
  readonly edns: boolean;
  readonly from: Address;
}

type Mode = 'normal' | 'silent' | { readonly rcode: number };

/** An authoritative server as far as tests need one: for zones in memory, on the network that it is handed. */
export class ZoneServer implements AsyncDisposable {
  records: readonly Answer[] = [];
  mode: Mode = 'normal';
  addsAddresses = true;
  speaksEdns = true;
  /** Whether what denies a name says for how long. */
  negativeTtl: number | undefined = 5;
  /** Changes an answer on its way, or makes several datagrams of it, or none. */
  onItsWay: (response: Packet, query: SeenQuery) => readonly (Packet | Uint8Array)[] = (response) => [response];
  readonly seen: SeenQuery[] = [];
  /** Of TCP. */
  connections = 0;
  #datagrams: DatagramSocket | undefined;
  #listener: Listener | undefined;

  private constructor() {
    // Made by `open`.
  }

  /** For UDP and TCP. */
  get address(): Address {
    if (this.#datagrams === undefined) throw new Error('the server is not open');
    return this.#datagrams.address;
  }

  static async open(net: Net, address: Address): Promise<ZoneServer> {
    const server = new ZoneServer();
    server.#datagrams = await net.bindDatagram(address, (payload, from) => {
      for (const answer of server.#answer(payload, from, false)) server.#datagrams?.send(answer, from);
    });
    server.#listener = await net.listen(server.address, (socket) => {
      let received = new Uint8Array(0);
      server.connections += 1;
      const close = () => {
        server.connections -= 1;
      };
      const data = (bytes: Uint8Array) => {
        received = Uint8Array.of(...received, ...bytes);
        const [high = 0, low = 0] = received;
        const end = 2 + ((high << 8) | low);
        if (received.length < 2 || received.length < end) return;
        for (const answer of server.#answer(received.subarray(2, end), socket.remote, true)) {
          socket.write([Uint8Array.of(answer.length >> 8, answer.length & 0xff), answer]);
        }
      };
      return { data, drain: () => undefined, close };
    });
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#datagrams?.[Symbol.asyncDispose]();
    await this.#listener?.[Symbol.asyncDispose]();
  }

  #answer(payload: Uint8Array, from: Address, overTcp: boolean): readonly Uint8Array[] {
    const query = decode(Buffer.from(payload));
    const [question] = query.questions ?? [];
    if (question === undefined) throw new Error('a query without a question');
    const opt = query.additionals?.find((record) => record.type === 'OPT');
    const edns = opt !== undefined;
    const seen = { name: question.name, type: question.type, id: query.id ?? -1, overTcp, edns, from };
    this.seen.push(seen);
    if (this.mode === 'silent') return [];
    const response = this.#respond(query, edns);
    const room = overTcp ? 65_535 : Math.min(opt?.udpPayloadSize ?? 512, 1232);
    return this.onItsWay(response, seen).map((each) => {
      if (each instanceof Uint8Array) return each;
      const bytes = encode(each);
      if (bytes.length <= room) return bytes;
      return encode({ ...each, flags: (each.flags ?? 0) | TRUNCATED, answers: [], additionals: [], authorities: [] });
    });
  }

  #respond({ id, questions = [] }: DecodedPacket, edns: boolean): Packet {
    const base = { type: 'response', id: id ?? 0, questions } as const;
    if (edns && !this.speaksEdns) return { ...base, flags: 1 };
    const additionals: Answer[] = edns ? [OPT] : [];
    if (typeof this.mode === 'object') return { ...base, flags: this.mode.rcode, additionals };
    const [{ name, type } = { name: '', type: 'A' as const }] = questions;
    const answers = this.#chain(name, type);
    const targets = answers.flatMap((record) => (record.type === 'SRV' ? [record.data.target] : []));
    const isAdded = (record: Answer) => record.type === 'A' || record.type === 'AAAA';
    if (this.addsAddresses) {
      additionals.push(...this.records.filter((record) => isAdded(record) && targets.includes(record.name)));
    }
    const last = answers.flatMap((record) => (record.type === 'CNAME' ? [record.data] : [])).at(-1) ?? name;
    const isKnown = this.records.some((record) => record.name === last);
    const isDenied = answers.every((record) => record.type === 'CNAME') && this.negativeTtl !== undefined;
    const minimum = this.negativeTtl ?? 0;
    const soa: Answer = {
      type: 'SOA',
      name: 'test',
      ttl: 3600,
      data: { mname: 'ns.test', rname: 'root.test', minimum },
    };
    const flags = AUTHORITATIVE | (isKnown ? 0 : NO_SUCH_NAME);
    return { ...base, flags, answers: [...answers], authorities: isDenied ? [soa] : [], additionals };
  }

  #chain(name: string, type: string): readonly Answer[] {
    const found: Answer[] = [];
    let at = name;
    for (let hops = 0; hops < 20; hops += 1) {
      const owned = this.records.filter((record) => record.name === at);
      const alias = owned.find((record) => record.type === 'CNAME');
      if (alias?.type !== 'CNAME')
        return [...found, ...owned.filter((record) => record.type === type || record.type === 'TXT')];
      found.push(alias);
      at = alias.data;
    }
    return found;
  }
}

const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const NO_SUCH_NAME = 3;
const OPT: Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

interface Service {
  readonly target: string;
  readonly port: number;
  readonly priority?: number;
  readonly weight?: number;
}

export function srv(name: string, data: Service, ttl = 0): Answer {
  return { type: 'SRV', name, ttl, data };
}

export function a(name: string, data: string, ttl = 0): Answer {
  return { type: data.includes(':') ? 'AAAA' : 'A', name, ttl, data };
}

export function cname(name: string, data: string, ttl = 0): Answer {
  return { type: 'CNAME', name, ttl, data };
}
