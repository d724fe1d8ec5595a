import { swimMembership } from '@quorate/membership-swim';
import { describe } from 'vitest';
import { gossipCases } from './gossip-cases.ts';

describe('gossip over SWIM', () => {
  gossipCases(() => swimMembership({ datagrams: 'transport' }), 0);
});

describe('gossip over SWIM of which a tenth is lost', () => {
  gossipCases(() => swimMembership({ datagrams: 'transport' }), 0.1);
});
