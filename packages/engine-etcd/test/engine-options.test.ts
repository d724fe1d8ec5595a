import { expect, it } from 'vitest';

import { etcdEngine, type EtcdEngineOptions } from '../src/index.ts';

const endpoints = ['http://10.0.0.1:2379'];
const secured = ['https://10.0.0.1:2379'];

it.each<[unknown, RegExp]>([
  [{}, /endpoints must be a list.*got undefined/u],
  [{ endpoints: [] }, /endpoints must be from 1 to 64 members, got 0/u],
  [{ endpoints: 'http://10.0.0.1:2379' }, /endpoints must be a list/u],
  [{ endpoints: ['10.0.0.1:2379'] }, /endpoints\[0\] must be http:\/\/host:port/u],
  [{ endpoints: ['http://10.0.0.1'] }, /endpoints\[0\] must be/u],
  [{ endpoints: ['http://10.0.0.1:0'] }, /endpoints\[0\] must be/u],
  [{ endpoints: ['http://10.0.0.1:2379/v3'] }, /endpoints\[0\] must be/u],
  [{ endpoints: [...endpoints, 'http://me:secret@10.0.0.2:2379'] }, /endpoints\[1\] must be .* without user and path/u],
  [{ endpoints: [...endpoints, 'https://10.0.0.2:2379'] }, /endpoints must be all http: or all https:/u],
  [{ endpoints: [...endpoints, 'http://10.0.0.1:2379/'] }, /endpoints must be different members/u],
  [
    { endpoints: Array.from({ length: 65 }, (_, at) => `http://10.0.0.1:${at + 1}`) },
    /endpoints must be from 1 to 64/u,
  ],
  [{ endpoints, username: 'me' }, /password must be there/u],
  [{ endpoints, password: 'secret' }, /username must be there/u],
  [{ endpoints, username: 'me', password: { secret: 1 } }, /password must be a text/u],
  [{ endpoints, username: 'me', password: '' }, /password must be a text that is not empty/u],
  [{ endpoints, tls: {} }, /tls must be left out with http: endpoints/u],
  [{ endpoints: secured, tls: { cert: 'secret' } }, /tls: key must be there/u],
  [
    { endpoints: secured, tls: { cert: 'x', key: ['secret'] } },
    /tls: key must be certificates|tls: key must be a key/u,
  ],
  [{ endpoints: secured, tls: 'secret' }, /tls must be an object/u],
  [{ endpoints, timeoutMs: 1 }, /timeoutMs must be/u],
  [{ endpoints, timeoutMs: 100, memberTimeoutMs: 200 }, /memberTimeoutMs must be at most timeoutMs/u],
  [{ endpoints, hosts: [] }, /there is no option hosts/u],
])('refuses %j by name, and tells no secret', (options, message) => {
  let refusal: unknown;
  try {
    etcdEngine(options as EtcdEngineOptions);
  } catch (error) {
    refusal = error;
  }
  expect(String(refusal)).toMatch(message);
  expect(String(refusal)).not.toContain('secret');
});

it('takes what is complete, and tells whom it asks', () => {
  expect(etcdEngine({ endpoints: ['https://[::1]:2379/', 'https://etcd.example:2379'] }).place).toBe(
    '[::1]:2379, etcd.example:2379',
  );
  etcdEngine({ endpoints, username: 'me', password: () => 'secret' });
  etcdEngine({ endpoints: secured, tls: () => ({ ca: 'x', cert: 'y', key: 'z', serverName: 'etcd' }) });
});
