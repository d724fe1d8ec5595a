import { connectionMembership } from '@quorate/core';
import { describe, it } from 'vitest';

import { membershipContract } from '../src/index.ts';

membershipContract(
  { describe, it },
  {
    name: 'connection-membership',
    create: () => connectionMembership(),
    refuses: {
      factory: connectionMembership,
      options: [{ unreachableAfterMs: -1 }, { unreachableAfterMs: 'soon' }, { forgetAfterMs: Number.NaN }],
    },
  },
);
