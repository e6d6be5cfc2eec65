/**
 * A token as its holder has it, and as a node keeps it. A token is 256 random bits, so nobody finds it by trying, and a
 * fast hash keeps it as well as a slow one would: `scrypt` is for passwords that people think of, and would let any
 * stranger keep a node's one thread busy for a tenth of a second a guess.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Role } from '../contracts.js'

/** A token as a node keeps it: who holds it, what for, and a salted hash, from which nobody gets the token back. */
export interface TokenEntry {
  /** The first part of the token, which is no secret: it finds the entry. */
  readonly id: string
  readonly name: string
  readonly role: Role
  /** The beginnings of the keys that it is for; none: it is for all keys. */
  readonly prefixes: readonly string[]
  readonly salt: string
  /** HMAC-SHA-256 of the token, by the salt, in hexadecimal digits. */
  readonly hash: string
}

/** The text of a token: a mark by which searches for leaked secrets find it, the id, and the secret of 256 bits. */
const form = /^raft_([0-9a-f]{16})_[\w-]{43}$/

/** Characters of a token, for the sentence about one that has another form. */
export const tokenForm = 'raft_, 16 hexadecimal digits, _ and 43 letters, digits, - or _'

/** Finds the id of a token; null if the text is no token. */
export function idOf(token: string): string | null {
  return form.exec(token)?.[1] ?? null
}

/** Makes a token: the text for its holder, which is kept nowhere, and what a node keeps of it. */
export function makeToken(): { readonly token: string } & Pick<TokenEntry, 'id' | 'salt' | 'hash'> {
  const id = randomBytes(8).toString('hex')
  const token = `raft_${id}_${randomBytes(32).toString('base64url')}`
  const salt = randomBytes(16).toString('hex')
  return { token, id, salt, hash: digest(token, salt).toString('hex') }
}

/** Checks whether a token is that of an entry, in a time that does not depend on how much of it is right. */
export function isTokenOf(token: string, { salt, hash }: Pick<TokenEntry, 'salt' | 'hash'>): boolean {
  return timingSafeEqual(digest(token, salt), Buffer.from(hash, 'hex'))
}

function digest(token: string, salt: string): Buffer {
  return createHmac('sha256', salt).update(token).digest()
}
