import { type Address, type CertificateDetails, type CertificateSet, ClusterError, type Net } from '@quorate/core';

const HOST = '127.0.0.1';

/** Where to send to instead: by the port of another node on this machine, the port of the relay for it. */
export type Routes = ReadonlyMap<number, number>;

/**
 * A network whose streams and datagrams to some ports of this machine go through a relay. Addresses stay what they are to
 * those who use it, also as senders of datagrams. Whatever else is sent goes where it says.
 */
export function relayedNet(net: Net, routes: Routes): Net {
  const senders = new Map([...routes].map(([port, relay]) => [relay, port]));
  const through = (address: Address) => replaced(address, routes);
  return {
    ...(net.inspectCertificates !== undefined && {
      inspectCertificates: (certificates: CertificateSet) => inspect(net, certificates),
    }),
    connect: (address, handler, options) => net.connect(through(address), handler, options),
    listen: (address, accept, options) => net.listen(address, accept, options),
    bindDatagram: async (address, receive, options) => {
      const admit = (payload: Uint8Array, from: Address) => receive(payload, replaced(from, senders));
      const socket = await net.bindDatagram(address, admit, options);
      return {
        address: socket.address,
        send: (payload, to) => socket.send(payload, through(to)),
        [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
      };
    },
  };
}

/** The text of `--relay`: `port=relay`, separated by commas. */
export function formatRoutes(routes: Routes): string {
  return [...routes].map(([port, relay]) => `${port}=${relay}`).join(',');
}

/** @throws Error where it is none that `formatRoutes` could have made */
export function parseRoutes(text: string): Routes {
  return new Map(
    text.split(',').map((route) => {
      const [, port, relay] = /^(\d{1,5})=(\d{1,5})$/u.exec(route) ?? [];
      if (port === undefined || relay === undefined) throw new Error('Expected port=port, separated by commas.');
      return [Number(port), Number(relay)];
    }),
  );
}

function inspect(net: Net, certificates: CertificateSet): CertificateDetails {
  if (net.inspectCertificates === undefined) throw new ClusterError('UNSUPPORTED', 'this network has no certificates');
  return net.inspectCertificates(certificates);
}

function replaced(address: Address, ports: Routes): Address {
  const port = address.host === HOST ? ports.get(address.port) : undefined;
  return port === undefined ? address : { host: address.host, port };
}
