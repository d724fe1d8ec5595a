import { type Address, ClusterError, type Net } from '@quorate/core';

/** The network of a process that reaches the others through proxies only: `routes` is by their ports. */
export function routedNet(net: Net, routes: ReadonlyMap<number, number>): Net {
  return {
    connect: (address, handler, options) => {
      const port = routes.get(address.port);
      if (port === undefined) return Promise.reject(noRoute(address));
      return net.connect({ host: address.host, port }, handler, options);
    },
    listen: (address, accept, options) => net.listen(address, accept, options),
    bindDatagram: (address, receive, options) => net.bindDatagram(address, receive, options),
  };
}

function noRoute({ host, port }: Address): ClusterError {
  return new ClusterError('DISCONNECTED', `there is no proxy to ${host}:${port}`);
}
