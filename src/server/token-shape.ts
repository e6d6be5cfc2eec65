import { z } from 'zod'
import { limits, roles } from '../contracts.js'

/** Prefixes of one token at most. */
const mostPrefixes = 64

const digits = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`))
const name = z.string().regex(/^[\w.-]{1,64}$/, 'a name is 1 to 64 letters, digits, dots, - or _')
const prefix = z
  .string()
  .min(1, 'a prefix is not empty: a token without one is for all keys')
  .refine((text) => text.isWellFormed(), 'a prefix is well-formed Unicode')
  .refine((text) => Buffer.byteLength(text) <= limits.keyBytes, `a prefix has ${limits.keyBytes} bytes at most`)

/** The shape of a token as a node keeps it. */
export const tokenShape = z
  .strictObject({
    id: digits(16),
    name,
    role: z.enum(roles, `a role is one of ${roles.join(', ')}`),
    prefixes: z.array(prefix).max(mostPrefixes, `a token has ${mostPrefixes} prefixes at most`),
    salt: digits(32),
    hash: digits(64),
  })
  .refine(({ role, prefixes }) => role !== 'admin' || prefixes.length === 0, 'an admin is for all keys')
