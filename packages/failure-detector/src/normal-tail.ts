/** From here on a series loses digits, and the continued fraction has few terms. */
const FAR = 3;
const FRACTION_TERMS = 60;
const LOG_SQRT_TAU = 0.5 * Math.log(2 * Math.PI);

/**
 * The decimal logarithm of how likely a value of the standard normal distribution is to be above z. It is worked out as a
 * logarithm, since the probability itself is no double any more above z = 38, and 1 minus it is 1 above z = 8.
 * (Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.2.11 and 26.2.14.)
 */
export function log10UpperTail(z: number): number {
  if (z < 0) return Math.log1p(-(10 ** log10UpperTail(-z))) / Math.LN10;
  if (z < FAR) return Math.log10(0.5 - density(z) * series(z));
  return (-0.5 * z * z - LOG_SQRT_TAU - Math.log(fraction(z))) / Math.LN10;
}

/** The z at which `log10UpperTail(z)` is this, below 0. */
export function quantileOfTail(log10Tail: number): number {
  let [low, high] = [-10, 1];
  while (log10UpperTail(high) > log10Tail) high *= 2;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (log10UpperTail(middle) > log10Tail) low = middle;
    else high = middle;
  }
  return high;
}

function density(z: number): number {
  return Math.exp(-0.5 * z * z - LOG_SQRT_TAU);
}

/** z + z³/3 + z⁵/(3·5) + … */
function series(z: number): number {
  let term = z;
  let sum = z;
  for (let n = 3; term > sum * Number.EPSILON; n += 2) {
    term *= (z * z) / n;
    sum += term;
  }
  return sum;
}

/** z + 1/(z + 2/(z + 3/(z + …))), from the inside. */
function fraction(z: number): number {
  let value = z;
  for (let n = FRACTION_TERMS; n > 0; n -= 1) value = z + n / value;
  return value;
}
