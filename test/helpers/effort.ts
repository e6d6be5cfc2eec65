/** `npm run prove` plays the long form of a test, `npm test` the short one: the same claims on fewer seeds and faults. */
export const isLong = process.env.PROOF === 'long'

/** The size of a proof, for either of the two. */
export function size<Short, Long>(short: Short, long: Long): Short | Long {
  return isLong ? long : short
}
