const BATCH = 16;

/**
 * Calls `step` once per macrotask until it returns false, so that every microtask of one step has run before the next.
 * The only place that touches the real event loop.
 *
 * Immediates are set in batches: Node runs the microtasks between two of one batch too, and polls for I/O only between
 * batches, which is what costs.
 */
export function runTurns(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let over = false;
    const turn = () => {
      if (over) return;
      try {
        if (step()) return;
        over = true;
        resolve();
      } catch (error) {
        over = true;
        reject(error);
      }
    };
    const batch = () => {
      if (over) return;
      for (let count = 1; count < BATCH; count += 1) setImmediate(turn);
      setImmediate(() => {
        turn();
        batch();
      });
    };
    batch();
  });
}
