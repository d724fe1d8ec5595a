import { isClusterError } from '@quorate/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { kubernetesEngine, type KubernetesEngineOptions } from '../src/index.ts';
import { readKubeconfig } from '../src/kubeconfig.ts';

const resolve = (file: string) => `/home/.kube/${file}`;

const config = (cluster: string, user: string) => `
apiVersion: v1
kind: Config
current-context: here
contexts:
  - { name: here, context: { cluster: c, user: u, namespace: mine } }
  - { name: there, context: { cluster: d } }
clusters:
  - { name: c, cluster: { server: 'https://here:6443', ${cluster} } }
  - { name: d, cluster: { server: 'https://there:6443' } }
users:
  - { name: u, user: { ${user} } }
`;

const EMPTY = {
  namespace: undefined,
  serverName: undefined,
  insecure: false,
  ca: undefined,
  cert: undefined,
  key: undefined,
};

it('reads the current context or the one that is named, with data or files', () => {
  const data = config(`certificate-authority-data: ${btoa('CA')}, tls-server-name: api`, 'token: secret');
  const here = { ...EMPTY, server: 'https://here:6443', namespace: 'mine' };
  expect(readKubeconfig(data, undefined, resolve)).toEqual({
    ...here,
    serverName: 'api',
    ca: { text: 'CA' },
    token: { text: 'secret' },
  });
  const files = config(
    'certificate-authority: ca.crt',
    'client-certificate: me.crt, client-key: me.key, tokenFile: token',
  );
  expect(readKubeconfig(files, 'here', resolve)).toEqual({
    ...here,
    ca: { file: '/home/.kube/ca.crt' },
    cert: { file: '/home/.kube/me.crt' },
    key: { file: '/home/.kube/me.key' },
    token: { file: '/home/.kube/token' },
  });
  expect(readKubeconfig(data, 'there', resolve)).toEqual({ ...EMPTY, server: 'https://there:6443', token: undefined });
});

it.each<[string, string, string | undefined, RegExp]>([
  ['no YAML', '{ token: secret', undefined, /it is not YAML/u],
  ['no object', 'secret', undefined, /it is not an object/u],
  ['no context', 'users: []', undefined, /no current context/u],
  ['an unknown context', config('', 'token: secret'), 'nowhere', /contexts has no entry "nowhere"/u],
  ['a number for a text', config('', 'token: 7'), undefined, /token is not a text/u],
  ['data that is no base64', config('certificate-authority-data: "$secret"', ''), undefined, /-data is not base64/u],
  ['a plugin', config('', 'exec: { command: secret }'), undefined, /exec is not supported/u],
  ['a password', config('', 'username: me, password: secret'), undefined, /username is not supported/u],
  ['another identity', config('', 'token: secret, as: somebody'), undefined, /as is not supported/u],
  ['a proxy', config('proxy-url: "http://secret"', ''), undefined, /proxy-url is not supported/u],
])('refuses %s by name, and quotes no secret', (_, text, context, message) => {
  const read = () => readKubeconfig(text, context, resolve);
  expect(read).toThrow(message);
  expect(read).not.toThrow(/secret/u);
});

it('fails on any text with an error of its own', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        readKubeconfig(text, 'x', resolve);
      } catch (error) {
        expect(isClusterError(error)).toBe(true);
      }
    }),
  );
});

it.each<[object, RegExp]>([
  [{ server: 'https://me:secret@api' }, /server must be a URL/u],
  [{ server: 'http://api:80' }, /server must be a URL/u],
  [{ server: 'api:443' }, /server must be a URL/u],
  [{ server: 'https://api', kubeconfig: '/k' }, /kubeconfig and context go with neither/u],
  [{ serviceAccount: '/s', context: 'here' }, /kubeconfig and context go with neither/u],
  [{ http: () => undefined, server: 'https://api' }, /http must be alone/u],
  [{ http: 7 }, /http must be a function/u],
  [{ kubeconfig: '' }, /kubeconfig must be the path/u],
  [{ token: 'secret' }, /there is no option token/u],
])('refuses %j', (options, message) => {
  expect(() => kubernetesEngine(options as KubernetesEngineOptions)).toThrow(message);
});
