import { z } from 'zod'

/** The shape of a whole number in a range. */
export function wholeShape(from: number, to: number) {
  const message = `must be a whole number from ${from} to ${to}`
  return z.int(message).min(from, message).max(to, message)
}

export function oneOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, `must be one of ${names.join(', ')}`)
}
