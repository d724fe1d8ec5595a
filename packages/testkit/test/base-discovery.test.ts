import { describe, it } from 'vitest';

import { discoveryContract } from '../src/index.ts';
import { listHarness } from './list-discovery.ts';

discoveryContract({ describe, it }, listHarness);
