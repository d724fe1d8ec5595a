import { expect, it } from 'vitest';

import { compositionsPage } from '../src/compositions/table.ts';

it('docs/compositions.md says what is tested', async () => {
  await expect(compositionsPage()).toMatchFileSnapshot('../../docs/compositions.md');
});
