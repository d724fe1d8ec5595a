/** Does something some turns from now: after whoever asked for it was told that it is done. */
export async function later(act: () => Promise<void>, turns = 50): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  await act();
}
