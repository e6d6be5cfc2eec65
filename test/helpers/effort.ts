/** `npm run prove` plays the long form of a test, `npm test` the short one: the same claims on fewer seeds and faults. */
export const isLong = process.env.PROOF === 'long'

/** Minutes that a siege of real processes lasts at least, in a proof of hours; 0 if it is over when its faults are. */
export const siegeMinutes = Number(process.env.SIEGE_MINUTES ?? 0)

/** The size of a proof, for either of the two. */
export function size<Short, Long>(short: Short, long: Long): Short | Long {
  return isLong ? long : short
}

/** Some of many like cases: in the short form the first `count`, in the long form all. */
export function some<Case>(count: number, all: readonly Case[]): readonly Case[] {
  return isLong ? all : all.slice(0, count)
}

/** The options of a test that only the long form has: what it holds, the short form holds more cheaply elsewhere. */
export const longOnly = { skip: isLong ? false : 'in the long form: `npm run prove` has it' } as const
