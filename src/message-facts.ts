import { type Application, isWrite } from './application.js'
import type { MessageKind, Payload, PayloadKind } from './contracts.js'

/** Checks of payloads from the wire, by their kinds; `session` also checks the call that a command may be. */
export type PayloadChecks = Readonly<Partial<Record<Exclude<PayloadKind, 'command'>, (payload: Payload) => boolean>>>

/** Questions that a message's check may ask about a content, because the answer depends on the whole stage. */
export interface Known {
  /** Checks whether the entries of this stage, with its application, may hold this payload. */
  isPayload(payload: Payload): boolean
  /** Checks whether this is a command that changes the application's state. */
  isWrite(command: unknown): boolean
}

/** Facts of a message that follow from its type alone. */
export interface MessageFacts {
  readonly kind: MessageKind
  /** Checks whether an object from the wire has the fields of this message. */
  readonly check: (candidate: Readonly<Record<string, unknown>>, known: Known) => boolean
}

/** Facts of a message for a stage whose application is known. */
export interface BoundMessageFacts {
  readonly kind: MessageKind
  readonly check: (candidate: Readonly<Record<string, unknown>>) => boolean
}

interface Bound {
  readonly application: Application
  readonly payloads: PayloadChecks
  readonly messages: Readonly<Record<string, MessageFacts>>
}

/** Binds the checks of the messages to the stage and its application. */
export function boundMessages({ application, payloads, messages }: Bound): Record<string, BoundMessageFacts> {
  const known: Known = {
    isPayload(payload) {
      if (payload.kind === 'command' && application.codec.decode(payload.command) === null) return false
      if (payload.kind === 'command' && payload.call === undefined) return true
      if (payload.kind === 'command') return payloads.session?.(payload) ?? false
      return payloads[payload.kind]?.(payload) ?? false
    },
    isWrite: (command) => isWrite(application, command),
  }
  const bound = Object.entries(messages).map(([type, { kind, check }]) => {
    return [type, { kind, check: (candidate: Readonly<Record<string, unknown>>) => check(candidate, known) }]
  })
  return Object.fromEntries(bound) as Record<string, BoundMessageFacts>
}
