/**
 * The check of who may ask what, where a node demands tokens. It stands at every door for clients: a connection of
 * lines or frames, a call over gRPC, a request for metrics. What a node sends on for its client (stage 10) was checked
 * here, where the client came in.
 */
import { checkRequest } from '../check-request.js'
import {
  type Answer,
  type Ask,
  type Clock,
  type CommandShape,
  type Event,
  failure,
  type Refusal,
  type Role,
  roles,
} from '../contracts.js'
import type { Stage } from '../stage.js'
import { quoted } from '../text.js'
import { Guesses } from './guesses.js'
import { noticePace, Paced } from './pacing.js'
import { idOf, isTokenOf, type TokenEntry } from './token.js'

declare module '../events.js' {
  interface EventDetails {
    /** Somebody showed a token that is none, or none any more. */
    token_refused: { remote: string | undefined; unnoticed?: number }
  }
}

/** The stage that is asked, as far as it says what a command needs. */
type Asked = Pick<Stage, 'commands' | 'application'>

/**
 * Finds the least role that may ask a command; `none`: no token is needed. A command that says nothing is for `admin`,
 * and a name that is no command is for anybody who has shown a token: the answer says that there is none.
 */
export function roleFor(stage: Asked, name: unknown): Role | 'none' {
  const shape = shapeIn(stage.commands, name)
  if (!shape) return 'read'
  if (isOfApplication(stage, name)) return shape.readOnly ? 'read' : 'write'
  return shape.role ?? 'admin'
}

function shapeIn(commands: Asked['commands'], name: unknown): CommandShape | undefined {
  return typeof name === 'string' && Object.hasOwn(commands, name) ? commands[name] : undefined
}

/**
 * Checks whether a command is the application's. A stage may put an envelope around a shape, which leaves its fields as
 * they are; a command of the node itself that has the same name takes its place, with other fields.
 */
function isOfApplication({ commands, application }: Asked, name: unknown): boolean {
  const own = shapeIn(application.commands, name)
  return own !== undefined && own.takes === shapeIn(commands, name)?.takes
}

const allows = (has: Role, needed: Role) => roles.indexOf(has) >= roles.indexOf(needed)

/** The tokens that count at present, and the counts of those that do not. */
export class Access {
  readonly #stage: Asked
  readonly #guesses: Guesses
  readonly #notices: Paced
  readonly #notice: (event: Event) => void
  #entries: ReadonlyMap<string, TokenEntry> = new Map()
  /** The number of times that the tokens were replaced. */
  #edition = 0

  constructor(stage: Asked, entries: readonly TokenEntry[], clock: Clock, notice: (event: Event) => void) {
    this.#stage = stage
    this.#guesses = new Guesses(clock)
    this.#notices = new Paced(noticePace, clock)
    this.#notice = notice
    this.replace(entries)
  }

  get edition(): number {
    return this.#edition
  }

  /** Takes other tokens in place of those before. Whoever has shown one that is not among them has none any more. */
  replace(entries: readonly TokenEntry[]): void {
    this.#entries = new Map(entries.map((entry) => [entry.id, entry]))
    this.#edition++
  }

  /** Makes the function that asks for one caller, who has shown no token yet. @param remote its address */
  guard(ask: Ask, remote: string | undefined): Ask {
    return guarded(new Caller(this, this.#stage, remote), ask)
  }

  /**
   * Makes the function that asks for a caller who shows a token with the call.
   *
   * @param authorization the value of the header of that name: `Bearer`, a space, and the token
   */
  guardCall(ask: Ask, authorization: string | undefined, remote: string | undefined): Ask {
    const caller = new Caller(this, this.#stage, remote)
    if (authorization !== undefined) caller.show(tokenIn(authorization))
    return guarded(caller, ask)
  }

  /** Checks a token that is shown with an HTTP request. @returns the refusal; null if the token counts */
  refuse(authorization: string | undefined, remote: string | undefined): Refusal | null {
    const caller = new Caller(this, this.#stage, remote)
    if (authorization !== undefined) caller.show(tokenIn(authorization))
    return caller.unknown
  }

  /** Finds the entry of a token, or says why there is none. */
  find(token: string, remote: string | undefined): TokenEntry | Refusal {
    const entry = this.#entries.get(idOf(token) ?? '')
    if (entry && isTokenOf(token, entry)) return entry
    if (!this.#guesses.count(remote)) return tooMany
    this.#notices.pass((more) => this.#notice({ event: 'token_refused', remote, ...more }))
    return wrong
  }

  /** Finds what has become of an entry: it may have another role by now. Null if its token counts no more. */
  renewed({ id, salt, hash }: TokenEntry): TokenEntry | null {
    const entry = this.#entries.get(id)
    return entry?.salt === salt && entry.hash === hash ? entry : null
  }
}

const none = failure(
  'unauthenticated',
  'this node demands a token; show it first: {"command":"auth","token":"…"}, or over gRPC as authorization: Bearer …',
)
const wrong = failure('unauthenticated', 'the token is none that this node knows')
const revoked = failure('unauthenticated', 'the token counts no more')
const tooMany = failure('overloaded', 'too many wrong tokens have come from there; wait before the next')
const noToken = failure('bad_request', 'auth: "token" must be the text of a token, and stand alone')

/** The token of a header; a header of another kind is a wrong token. */
const tokenIn = (authorization: string) => /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? ''

function guarded(caller: Caller, ask: Ask): Ask {
  return (candidate, answer, client) => {
    if (candidate.command === 'auth') return answer(caller.auth(candidate))
    const refusal = caller.refusalOf(candidate)
    if (refusal) answer(refusal)
    else ask(candidate, answer, client)
  }
}

/** One who asks, and the token that it has shown. The token itself is not kept: its entry is. */
class Caller {
  readonly #access: Access
  readonly #stage: Asked
  readonly #remote: string | undefined
  #entry: TokenEntry | null = null
  /** The edition of the tokens by which the entry counts. */
  #edition = 0
  /** The reason why there is no entry. */
  #unknown: Refusal = none

  constructor(access: Access, stage: Asked, remote: string | undefined) {
    this.#access = access
    this.#stage = stage
    this.#remote = remote
  }

  /** Takes a token in place of the one before, also if it is wrong: then the caller has none. */
  show(token: string): void {
    const found = this.#access.find(token, this.#remote)
    this.#edition = this.#access.edition
    if ('ok' in found) [this.#entry, this.#unknown] = [null, found]
    else this.#entry = found
  }

  /** Performs the command `auth`. */
  auth({ command: _, token, ...others }: Readonly<Record<string, unknown>>): Answer {
    if (typeof token !== 'string' || Object.keys(others).length > 0) return noToken
    this.show(token)
    if (!this.#entry) return this.#unknown
    const { name, role, prefixes } = this.#entry
    return { ok: true, name, role, ...(prefixes.length > 0 && { prefixes }) }
  }

  /** The refusal of a caller without a token that counts; null if it has one. */
  get unknown(): Refusal | null {
    return this.#known() ? null : this.#unknown
  }

  /** Decides about a request, which is not checked yet. @returns the refusal; null if it may be asked */
  refusalOf(candidate: Readonly<Record<string, unknown>>): Refusal | null {
    const needed = roleFor(this.#stage, candidate.command)
    if (needed === 'none') return null
    const entry = this.#known()
    if (!entry) return this.#unknown
    if (!allows(entry.role, needed)) return tooSmall(entry, needed)
    return entry.prefixes.length === 0 ? null : this.#outside(entry, candidate)
  }

  /** The entry, as the tokens that count now have it. An entry that was removed may come back. */
  #known(): TokenEntry | null {
    if (!this.#entry || this.#edition === this.#access.edition) return this.#entry
    const renewed = this.#access.renewed(this.#entry)
    if (!renewed) {
      this.#unknown = revoked
      return null
    }
    this.#edition = this.#access.edition
    this.#entry = renewed
    return renewed
  }

  /** Checks that all keys of a command are among those that a token is for. Commands of the node itself have no keys. */
  #outside({ prefixes }: TokenEntry, candidate: Readonly<Record<string, unknown>>): Refusal | null {
    const name = String(candidate.command)
    if (!isOfApplication(this.#stage, name)) return null
    const { keys } = this.#stage.commands[name]!
    const bound = `this token is for keys under ${prefixes.map((prefix) => quoted(prefix, 64)).join(', ')}`
    if (!keys) return failure('permission_denied', `${bound}, and nobody knows the keys of ${quoted(name, 64)}`)
    const checked = checkRequest(this.#stage, candidate)
    if (!checked.ok) return checked
    const isUnder = (key: string) => prefixes.some((prefix) => key.startsWith(prefix))
    const outside = keys(checked.command).find((key) => !isUnder(key))
    if (outside === undefined) return null
    const what = outside === '' ? 'all keys' : quoted(outside, 64)
    return failure('permission_denied', `${bound}, and ${name} is about ${what}`)
  }
}

/** The refusal names no command: a client may have to open a session before it asks what a person typed. */
function tooSmall({ role }: TokenEntry, takes: Role): Refusal {
  return failure('permission_denied', `this takes a token of the role ${takes}, and it has the role ${role}`, { takes })
}
