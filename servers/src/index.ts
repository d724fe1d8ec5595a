export * from './certificates.ts';
export * from './consul.ts';
export * from './dns.ts';
export * from './etcd.ts';
export * from './find-program.ts';
export * from './free-ports.ts';
export * from './server-process.ts';
export * from './tcp-gate.ts';
