import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import {
  type Answer,
  type CallOptions,
  type ClientRules,
  type ClientState,
  type Command,
  type ErrorCode,
  failure,
  type NumberedCommand,
  type Outcome,
} from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import type { Claims } from './claim.js'

const append = { command: 'append', key: 'k', value: 'x' }
const session = 7

interface Sent {
  readonly address: string
  readonly message: NumberedCommand
}

/** A client by hand, which knows three nodes: every connection stands at once, unless the script broke it. */
export class HandClient {
  readonly outcomes = new Map<number, Outcome>()
  /** The messages that have left and are not answered so far, but for questions about members. */
  sent: Sent[] = []
  readonly #rules: ClientRules
  readonly #state: ClientState
  #now = 0

  /** Addresses whose nodes accept connections and say nothing. */
  readonly stopped = new Set<string>()
  /** Addresses whose connections the client has begun, and dropped, in order. */
  readonly begun: string[] = []
  readonly dropped: string[] = []

  constructor(stage: Stage) {
    this.#rules = stage.client!
    this.#state = this.#rules.state({ addresses: ['A', 'B', 'C'], deadlineMs: 10_000 })
  }

  /** @returns the call's number */
  write(command = append): number {
    return this.call(command, { readOnly: false, ofApplication: true })
  }

  /** @returns the call's number */
  call(command: Command, options: CallOptions): number {
    const id = this.#rules.call(this.#state, command, options)
    this.#carryOut()
    return id
  }

  /** The only message that waits for an answer. */
  onlyOne(): Sent {
    equal(this.sent.length, 1)
    return this.sent[0]!
  }

  /** @param ms milliseconds that have passed meanwhile: the client learns of them with the answer, not before */
  answer({ address, message }: Sent, answer: Answer, ms = 0): void {
    this.sent = this.sent.filter((one) => one.message !== message)
    this.#now += ms
    this.#rules.elapsed(this.#state, this.#now)
    this.#rules.answered(this.#state, address, message.id, answer)
    this.#carryOut()
  }

  /** A node says something that is the answer to no call. */
  speak(address: string): void {
    this.#rules.answered(this.#state, address, undefined, { ok: true })
    this.#carryOut()
  }

  refuse(sent: Sent, code: ErrorCode): void {
    this.answer(sent, failure(code, 'as the script has it'))
  }

  /** The connection breaks; what was on its way may have arrived. */
  breakAt(address: string): void {
    this.sent = this.sent.filter((one) => one.address !== address)
    this.#rules.disconnected(this.#state, address, 'as the script has it')
    this.#carryOut()
  }

  close(): void {
    this.#rules.closed(this.#state)
    this.#carryOut()
  }

  pass(ms: number): void {
    this.#now += ms
    this.#rules.elapsed(this.#state, this.#now)
    this.#carryOut()
  }

  #carryOut(): void {
    const { connect, drop, send, settle } = this.#rules.take(this.#state)
    this.begun.push(...connect)
    this.dropped.push(...drop)
    for (const { id, outcome } of settle) this.outcomes.set(id, outcome)
    const greetings = send.filter(({ message }) => message.command === 'members' || message.command === 'ping')
    this.sent.push(...send.filter((one) => !greetings.includes(one)))
    for (const address of drop) this.#rules.disconnected(this.#state, address, 'dropped')
    for (const address of connect) this.#rules.connected(this.#state, address)
    for (const { address, message } of greetings) {
      if (!this.stopped.has(address)) this.#rules.answered(this.#state, address, message.id, { ok: true })
    }
    if (connect.length + drop.length + greetings.length > 0) this.#carryOut()
  }
}

/** A client that has its session. */
function inSession(stage: Stage) {
  const client = new HandClient(stage)
  const call = client.write()
  const opening = client.onlyOne()
  equal(opening.message.command, 'open_session')
  client.answer(opening, { ok: true, session })
  return { client, call }
}

const numberOf = ({ message }: Sent) => [message.session, message.sequence, message.firstOutstanding]

/** The copy of a write whose connection broke. */
function copied(stage: Stage) {
  const { client, call } = inSession(stage)
  const first = client.onlyOne()
  client.breakAt(first.address)
  client.pass(100)
  return { client, call, first, copy: client.onlyOne() }
}

/**
 * A write that was asked at A, which was silent, and then at B, which is silent, too. A has spoken again: as soon as 100 ms
 * more have passed, A is asked once more.
 */
function aboutToAskAgain(stage: Stage) {
  const { client, call } = inSession(stage)
  const first = client.onlyOne()
  client.stopped.add('A').add('C')
  while (client.sent.length === 1) client.pass(50)
  const copy = client.sent[1]!
  same([first.address, copy.address], ['A', 'B'])
  client.stopped.add('B')
  client.pass(250)
  client.pass(200)
  client.speak('A')
  return { client, call, first, copy }
}

const codeOf = (outcome: Outcome | undefined) =>
  outcome && outcome.outcome !== 'done' ? [outcome.outcome, outcome.error.code] : outcome

/** Thesis §6.3: the client's side of a session. */
export const sessionClientClaims: Claims = {
  'the first write opens a session, and then has a number in it'(stage) {
    const { client, call } = inSession(stage)
    const write = client.onlyOne()
    same([write.message.command, ...numberOf(write)], ['append', session, 1, 1])
    client.answer(write, { ok: true, length: 1 })
    equal(client.outcomes.get(call)?.outcome, 'done')
    client.write()
    same(numberOf(client.onlyOne()), [session, 2, 2])
  },
  'a write whose connection broke is asked again elsewhere, under the number that it had'(stage) {
    const { client, call, first, copy } = copied(stage)
    ok(copy.address !== first.address)
    same([copy.message.command, ...numberOf(copy)], ['append', session, 1, 1])
    client.answer(copy, { ok: true, length: 1 })
    equal(client.outcomes.get(call)?.outcome, 'done')
  },
  'an answer that leaves the outcome open is no outcome: the write is asked again, until its deadline'(stage) {
    const { client, call } = inSession(stage)
    for (const code of ['timeout', 'leadership_lost', 'timeout'] as const) {
      const sent = client.onlyOne()
      same(numberOf(sent), [session, 1, 1])
      client.refuse(sent, code)
      client.pass(100)
      equal(client.outcomes.has(call), false)
    }
    client.pass(10_000)
    same(codeOf(client.outcomes.get(call)), ['unknown', 'timeout'])
  },
  'a node that says nothing may be stopped: another is asked, under the same number'(stage) {
    const { client } = inSession(stage)
    const first = client.onlyOne()
    client.stopped.add(first.address)
    for (let ms = 0; ms < 1_500; ms += 100) client.pass(100)
    const [, copy] = client.sent
    ok(copy && copy.address !== first.address)
    same(numberOf(copy), numberOf(first))
  },
  'the refusal of a copy says nothing of the first: the outcome is unknown'(stage) {
    const { client, call, copy } = copied(stage)
    client.pass(9_700)
    client.refuse(copy, 'no_leader')
    client.pass(10)
    for (const one of client.sent) client.refuse(one, 'no_leader')
    client.pass(1_000)
    equal(client.outcomes.get(call)?.outcome, 'unknown')
    const revoked = copied(stage)
    revoked.client.refuse(revoked.copy, 'unauthenticated')
    equal(revoked.client.outcomes.get(revoked.call)?.outcome, 'unknown', 'a token that counts no more')
  },
  'a client that is closed calls a write unknown of which a copy may still happen'(stage) {
    const { client, call } = inSession(stage)
    client.refuse(client.onlyOne(), 'leadership_lost')
    client.close()
    equal(client.outcomes.get(call)?.outcome, 'unknown')
    const other = inSession(stage)
    other.client.refuse(other.client.onlyOne(), 'session_expired')
    other.client.close()
    same(codeOf(other.client.outcomes.get(other.call)), ['refused', 'shutting_down'], 'no node has it')
  },
  'a refusal of the only copy is the outcome'(stage) {
    const { client, call } = inSession(stage)
    client.refuse(client.onlyOne(), 'overloaded')
    same(codeOf(client.outcomes.get(call)), ['refused', 'overloaded'])
  },
  'where the session has ended, a call that was asked once is a call of the next'(stage) {
    const { client, call } = inSession(stage)
    client.refuse(client.onlyOne(), 'session_expired')
    const opening = client.onlyOne()
    equal(opening.message.command, 'open_session')
    client.answer(opening, { ok: true, session: session + 1 })
    const write = client.onlyOne()
    same(numberOf(write), [session + 1, 1, 1])
    client.answer(write, { ok: true, length: 1 })
    equal(client.outcomes.get(call)?.outcome, 'done')
  },
  'where the session has ended, nobody knows what became of a call that was asked more than once'(stage) {
    const { client, call, copy } = copied(stage)
    client.refuse(copy, 'session_expired')
    same(codeOf(client.outcomes.get(call)), ['unknown', 'session_expired'])
  },
  'a copy that was about to leave when the answer came does not leave'(stage) {
    const { client, call, first, copy } = aboutToAskAgain(stage)
    client.answer(first, { ok: true, length: 1 }, 100)
    equal(client.outcomes.get(call)?.outcome, 'done')
    same(client.sent, [copy])
  },
  'a copy that was about to leave when the session had ended does not leave'(stage) {
    const { client, call, first, copy } = aboutToAskAgain(stage)
    client.answer(first, failure('session_expired', 'as the script has it'), 100)
    same(codeOf(client.outcomes.get(call)), ['unknown', 'session_expired'])
    same(client.sent, [copy])
  },
  'each call names the least number whose answer the client still waits for'(stage) {
    const { client } = inSession(stage)
    const first = client.onlyOne()
    for (let count = 0; count < 3; count++) client.write()
    same(client.sent.map(numberOf), [
      [session, 1, 1],
      [session, 2, 1],
      [session, 3, 1],
      [session, 4, 1],
    ])
    client.answer(client.sent[1]!, { ok: true, length: 2 })
    client.answer(first, { ok: true, length: 1 })
    client.write()
    same(numberOf(client.sent.at(-1)!), [session, 5, 3])
  },
  'a cluster of an earlier stage is asked as before, without a session'(stage) {
    const client = new HandClient(stage)
    const call = client.write()
    client.refuse(client.onlyOne(), 'unknown_command')
    const write = client.onlyOne()
    same([write.message.command, ...numberOf(write)], ['append', undefined, undefined, undefined])
    client.breakAt(write.address)
    same(codeOf(client.outcomes.get(call)), ['unknown', 'connection_lost'])
  },
}
