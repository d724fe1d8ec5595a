/** What becomes of a check's answers: one that differs from those before it counts only when it lasts. */
export class Threshold {
  readonly #failures: number;
  readonly #successes: number;
  #isOk: boolean;
  #inARow = 0;

  /**
   * @param failures in a row after which it has failed
   * @param successes in a row after which it is well again
   */
  constructor(isOk: boolean, failures: number, successes: number) {
    this.#isOk = isOk;
    this.#failures = failures;
    this.#successes = successes;
  }

  get isOk(): boolean {
    return this.#isOk;
  }

  add(isOk: boolean): void {
    if (isOk === this.#isOk) {
      this.#inARow = 0;
      return;
    }
    this.#inARow += 1;
    if (this.#inARow < (isOk ? this.#successes : this.#failures)) return;
    this.#isOk = isOk;
    this.#inARow = 0;
  }
}
