/** Who may ask what: each role against each command, keys under prefixes, and tokens that are wrong or count no more. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { type Answer, type Event, type Role, roles } from '../../src/contracts.js'
import { Access, roleFor } from '../../src/network/access.js'
import { Guesses, networkOf } from '../../src/network/guesses.js'
import { idOf, isTokenOf, makeToken, type TokenEntry } from '../../src/network/token.js'
import type { Stage } from '../../src/stage.js'
import { latest, stages } from '../../stages/index.js'
import { counting } from '../counter/counter.js'
import { root } from '../docs.js'

/** The least role for each command there is. A new command must be written down here, by somebody who has thought of it. */
const needed: Readonly<Record<string, Role | 'none'>> = {
  ...{ ping: 'none', info: 'read', members: 'read', get: 'read', scan: 'read' },
  ...{ set: 'write', delete: 'write', append: 'write', cas: 'write', open_session: 'write' },
  ...{ add_node: 'admin', remove_node: 'admin', reconfigure: 'admin', cancel_change: 'admin', found_cluster: 'admin' },
  ...{ promote: 'admin', demote: 'admin', transfer_leader: 'admin', backup: 'admin', backup_piece: 'admin' },
}

/** Commands with arguments that are well formed; those of the others are left out. */
const asked: Readonly<Record<string, object>> = {
  ...{ get: { key: 'a' }, set: { key: 'a', value: '1' }, delete: { key: 'a' }, append: { key: 'a', value: '1' } },
  ...{ cas: { key: 'a', expected: null, value: '1' } },
}

/** A token, with what a node keeps of it. */
function held(role: Role, prefixes: readonly string[] = [], name: string = role) {
  const { token, ...kept } = makeToken()
  return { token, entry: { ...kept, name, role, prefixes } satisfies TokenEntry }
}

/** A node that does whatever it is asked, behind a door that demands tokens. */
function door(entries: readonly TokenEntry[], stage: Stage = latest) {
  let now = 0
  const heard: Event[] = []
  const clock = { now: () => now, after: () => () => {}, soon: (task: () => void) => task() }
  const access = new Access(stage, entries, clock as never, (event) => heard.push(event))
  const done: unknown[] = []
  const node = (candidate: Readonly<Record<string, unknown>>, answer: (answer: Answer) => void) => {
    done.push(candidate.command)
    answer({ ok: true })
  }
  const caller = (remote = '10.0.0.1') => {
    const ask = access.guard(node, remote)
    return (candidate: object): Answer => {
      let told: Answer | undefined
      ask(candidate as Record<string, unknown>, (answer) => {
        told = answer
      })
      return told!
    }
  }
  const pass = (ms: number) => {
    now += ms
  }
  return { access, caller, done, heard, pass, node }
}

const show = (token: unknown) => ({ command: 'auth', token })
const codeOf = (answer: Answer) => (answer.ok ? 'done' : answer.error.code)

t.test('each role against each command of each stage', async (t) => {
  for (const stage of stages) {
    const names = Object.keys(stage.commands)
    t.same(
      names.filter((name) => !Object.hasOwn(needed, name)),
      [],
      'each command is written down above',
    )
    for (const name of names) {
      const least = needed[name]!
      t.equal(roleFor(stage, name), least, `stage ${stage.number}: ${name}`)
      const { caller } = door([], stage)
      t.equal(codeOf(caller()({ command: name, ...asked[name] })), least === 'none' ? 'done' : 'unauthenticated', name)
      for (const role of roles) {
        const { token, entry } = held(role)
        const { caller, done } = door([entry], stage)
        const ask = caller()
        t.same(ask(show(token)), { ok: true, name: role, role })
        const answer = ask({ command: name, ...asked[name] })
        const isAllowed = least === 'none' || roles.indexOf(role) >= roles.indexOf(least)
        t.equal(codeOf(answer), isAllowed ? 'done' : 'permission_denied', `${role}: ${name}`)
        t.same(done, isAllowed ? [name] : [], 'nothing else reached the node')
        if (!answer.ok) t.match(answer.error, { definite: true, takes: least, message: `role ${least}` })
      }
    }
  }
})

t.test(
  'a command that says nothing of itself is for admins; so is one that hides behind an application of its name',
  async (t) => {
    const { check } = latest.commands.ping!
    const mute = { takes: [], help: '', readOnly: true, check }
    t.equal(roleFor({ ...latest, commands: { ...latest.commands, mute } }, 'mute'), 'admin')
    const commands = { add_node: { ...mute, takes: [], keys: () => [] } }
    t.equal(roleFor({ ...latest, application: { ...latest.application, commands } }, 'add_node'), 'admin')
  },
)

t.test('what is no command at all is for nobody without a token, and else the node says what is wrong', async (t) => {
  const { token, entry } = held('read')
  for (const command of ['__proto__', 'constructor', 'toString', '', 'gett', 7, null, undefined, ['get']]) {
    const { caller, done } = door([entry])
    const ask = caller()
    t.equal(codeOf(ask({ command })), 'unauthenticated', String(command))
    ask(show(token))
    t.equal(codeOf(ask({ command })), 'done')
    t.same(done, [command])
  }
})

t.test('a token for some keys', async (t) => {
  const { token, entry } = held('write', ['a/', 'ü'])
  const { caller, done } = door([entry])
  const ask = caller()
  t.same(ask(show(token)), { ok: true, name: 'write', role: 'write', prefixes: ['a/', 'ü'] })
  const page = (key: string, prefix: number) => `1k9.3-${prefix}-${key}`
  const cases: readonly (readonly [object, string])[] = [
    [{ command: 'get', key: 'a/' }, 'done'],
    [{ command: 'get', key: 'a/b' }, 'done'],
    [{ command: 'get', key: 'über' }, 'done'],
    [{ command: 'get', key: 'a' }, 'permission_denied'],
    [{ command: 'get', key: 'A/b' }, 'permission_denied'],
    [{ command: 'get', key: 'u\u0308ber' }, 'permission_denied'],
    [{ command: 'get', key: '' }, 'bad_request'],
    [{ command: 'get', key: ['a/'] }, 'bad_request'],
    [{ command: 'get', key: 'a/', else: 1 }, 'bad_request'],
    [{ command: 'get' }, 'bad_request'],
    [{ command: 'get', key: 'b', consistency: 'stale' }, 'permission_denied'],
    [{ command: 'set', key: 'a/', value: 'b' }, 'done'],
    [{ command: 'set', key: 'a/', value: 'b', session: 6, sequence: 1 }, 'done'],
    [{ command: 'set', key: 'b', value: 'a/', session: 6, sequence: 1 }, 'permission_denied'],
    [{ command: 'delete', key: 'b/a/' }, 'permission_denied'],
    [{ command: 'append', key: 'a', value: '/' }, 'permission_denied'],
    [{ command: 'append', key: 'a/', value: '/' }, 'done'],
    [{ command: 'cas', key: 'b', expected: null, value: 'a/' }, 'permission_denied'],
    [{ command: 'cas', key: 'a/', expected: 'b', value: 'b' }, 'done'],
    [{ command: 'scan' }, 'permission_denied'],
    [{ command: 'scan', prefix: '' }, 'permission_denied'],
    [{ command: 'scan', prefix: 'a' }, 'permission_denied'],
    [{ command: 'scan', prefix: 'a/' }, 'done'],
    [{ command: 'scan', prefix: 'a/b', after: 'zzz' }, 'done'],
    [{ command: 'scan', prefix: 'b', after: 'a/' }, 'permission_denied'],
    [{ command: 'scan', after: 'a/' }, 'permission_denied'],
    [{ command: 'scan', page: page('a/b', 2) }, 'done'],
    [{ command: 'scan', page: page('a/b', 1) }, 'permission_denied'],
    [{ command: 'scan', page: page('a/b', 0) }, 'permission_denied'],
    [{ command: 'scan', page: page('b', 1) }, 'permission_denied'],
    [{ command: 'scan', page: page('b', 1), prefix: 'a/' }, 'bad_request'],
    [{ command: 'scan', page: 'a/' }, 'bad_request'],
    [{ command: 'open_session' }, 'done'],
    [{ command: 'members' }, 'done'],
    [{ command: 'add_node' }, 'permission_denied'],
  ]
  for (const [command, code] of cases) t.equal(codeOf(ask(command)), code, JSON.stringify(command))
  t.equal(done.length, cases.filter(([, code]) => code === 'done').length)
  t.match(ask({ command: 'scan' }), { error: { message: /keys under "a\/", "ü", and scan is about all keys/ } })
})

t.test('every command of the key-value store says which keys it touches', async (t) => {
  for (const [name, shape] of Object.entries(latest.application.commands)) t.type(shape.keys, 'function', name)
  for (const [name, fields] of Object.entries(asked))
    t.same(latest.commands[name]!.keys!({ command: name, ...fields }), ['a'])
})

t.test('an application whose keys are not known: a token for all keys, or none', async (t) => {
  const [free, bound] = [held('write'), held('write', ['a/'], 'bound')]
  const { caller } = door([free.entry, bound.entry], counting)
  const ask = caller()
  const [reads] = Object.entries(counting.application.commands).find(([, { readOnly }]) => readOnly)!
  ask(show(free.token))
  t.equal(codeOf(ask({ command: reads })), 'done')
  ask(show(bound.token))
  t.match(ask({ command: reads }), { error: { code: 'permission_denied', message: /nobody knows the keys/ } })
  t.equal(codeOf(ask({ command: 'members' })), 'done')
})

t.test('what is no token is refused, and takes away the one before', async (t) => {
  const { token, entry } = held('admin')
  const strange = [
    '',
    'a',
    `${token} `,
    `${token}\n`,
    token.slice(0, -1),
    token.toUpperCase(),
    `${token}\0`,
    '__proto__',
  ]
  for (const wrong of [...strange, token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')), makeToken().token]) {
    const { caller, done } = door([entry])
    const ask = caller()
    t.ok(ask(show(token)).ok)
    t.equal(codeOf(ask(show(wrong))), 'unauthenticated', JSON.stringify(wrong))
    t.equal(codeOf(ask({ command: 'get', key: 'a' })), 'unauthenticated')
    t.same(done, [])
  }
  const { caller } = door([entry])
  const ask = caller()
  for (const one of [show(7), show(null), { command: 'auth' }, { ...show(token), role: 'admin' }, show([token])]) {
    const answer = ask(one)
    t.equal(codeOf(answer), 'bad_request')
    t.notMatch(JSON.stringify(answer), token)
  }
  t.equal(codeOf(ask({ command: 'get', key: 'a' })), 'unauthenticated')
})

t.test('a token is right as a whole, and is compared in constant time', async (t) => {
  const { token, entry } = held('read')
  t.ok(isTokenOf(token, entry))
  t.equal(idOf(token), entry.id)
  for (let at = 0; at < token.length; at++) {
    const other = token.slice(0, at) + (token[at] === 'a' ? 'b' : 'a') + token.slice(at + 1)
    t.notOk(isTokenOf(other, entry))
  }
  const source = readFileSync(`${root}/src/network/token.ts`, 'utf8')
  t.match(source, /return timingSafeEqual\(digest\(token, salt\), Buffer\.from\(hash, 'hex'\)\)/)
  t.notMatch(JSON.stringify(entry), token.slice(-43))
  t.equal(new Set(Array.from({ length: 200 }, () => makeToken().token)).size, 200)
})

t.test(
  'a token that is removed counts no more at the next request; what counts now is what the file says now',
  async (t) => {
    const { token, entry } = held('write')
    const { access, caller, done } = door([entry])
    const ask = caller()
    ask(show(token))
    t.equal(codeOf(ask({ command: 'set', key: 'a', value: '1' })), 'done')
    access.replace([])
    t.match(ask({ command: 'set', key: 'a', value: '2' }), { error: { code: 'unauthenticated', message: /no more/ } })
    t.equal(codeOf(ask({ command: 'get', key: 'a' })), 'unauthenticated')
    t.equal(codeOf(ask({ command: 'ping' })), 'done')
    t.same(done, ['set', 'ping'])
    access.replace([{ ...entry, role: 'read' }])
    t.equal(codeOf(ask({ command: 'get', key: 'a' })), 'done', 'it is back')
    t.equal(codeOf(ask({ command: 'set', key: 'a', value: '1' })), 'permission_denied', 'with another role')
    access.replace([{ ...entry, prefixes: ['b'] }])
    t.equal(codeOf(ask({ command: 'get', key: 'a' })), 'permission_denied', 'or for other keys')
    access.replace([{ ...held('write').entry, id: entry.id, name: entry.name }])
    t.equal(
      codeOf(ask({ command: 'get', key: 'b' })),
      'unauthenticated',
      'another token of the same name is another token',
    )
  },
)

t.test('over gRPC and HTTP the token comes with the call', async (t) => {
  const { token, entry } = held('read')
  const { access, node } = door([entry])
  const get = (authorization?: string) =>
    new Promise<string>((resolve) =>
      access.guardCall(
        node,
        authorization,
        '10.0.0.1',
      )({ command: 'get', key: 'a' }, (answer) => resolve(codeOf(answer))),
    )
  t.equal(await get(`Bearer ${token}`), 'done')
  t.equal(await get(`bearer  ${token}`), 'done', 'RFC 9110: the name of a scheme has no case')
  for (const wrong of [undefined, '', token, `Basic ${token}`, `Bearer ${token} x`, 'Bearer'])
    t.equal(await get(wrong), 'unauthenticated', String(wrong?.slice(0, 8)))
  t.equal(access.refuse(`Bearer ${token}`, undefined), null)
  t.match(access.refuse(undefined, undefined), { error: { code: 'unauthenticated' } })
})

t.test('a flood of wrong tokens: ten from one network at once, then one a second; who is right passes', async (t) => {
  const { token, entry } = held('read')
  const { caller, heard, pass } = door([entry])
  const ask = caller('10.0.0.1')
  const wrong = () => codeOf(ask(show(makeToken().token)))
  t.same(
    Array.from({ length: 10 }, wrong),
    Array.from({ length: 10 }, () => 'unauthenticated'),
  )
  t.same(
    Array.from({ length: 1_000 }, wrong).filter((code) => code !== 'overloaded'),
    [],
  )
  t.equal(codeOf(caller('10.0.0.1')(show(token))), 'done', 'a right one from the same address')
  t.equal(codeOf(caller('10.0.0.2')(show('x'))), 'unauthenticated', 'another address')
  t.ok(heard.length <= 12, `${heard.length} events`)
  t.notMatch(JSON.stringify(heard), 'raft_')
  pass(1_000)
  t.equal(wrong(), 'unauthenticated')
  t.equal(wrong(), 'overloaded')
})

t.test('a flood from everywhere: two hundred at once, and the table stays small', async (t) => {
  let now = 0
  const guesses = new Guesses({ now: () => now } as never)
  const from = (at: number) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`
  const within = Array.from({ length: 100_000 }, (_, at) => guesses.count(from(at))).filter(Boolean)
  t.equal(within.length, 200)
  t.equal(guesses.size, 1_024)
  now = 1_000
  t.equal(Array.from({ length: 1_000 }, (_, at) => guesses.count(from(at))).filter(Boolean).length, 20)
})

t.test('a network: one address of IPv4, 64 bits of IPv6', async (t) => {
  const cases = [
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0db8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['', ''],
  ] as const
  for (const [address, network] of cases) t.equal(networkOf(address), network, address)
})
