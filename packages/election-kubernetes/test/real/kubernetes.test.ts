import { findKubernetes, KubernetesServer, reportAbsent } from '@quorate/test-servers';
import { afterAll, describe, it } from 'vitest';

import { contractSuite } from './contract-suite.ts';
import { faultSuite } from './fault-suite.ts';
import { interoperationSuite } from './interoperation-suite.ts';
import { permissionSuite } from './permission-suite.ts';

const programs = findKubernetes();
if (programs === undefined) {
  reportAbsent('kube-apiserver');
  it.skip('election beside a real Kubernetes', () => undefined);
} else {
  const server = await KubernetesServer.start(programs);
  afterAll(() => server[Symbol.asyncDispose]());
  contractSuite(server);
  describe('permissions, and what tokens are for', () => permissionSuite(server));
  if (programs.elect === undefined) reportAbsent('kube-elect');
  describe('a Lease that is shared', () => interoperationSuite(server, programs));
  describe('election on Leases beside faults', () => faultSuite(server));
}
