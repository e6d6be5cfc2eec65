import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import t, { type Test } from 'tap'
import type { Client } from '../../client/client.js'
import { complete } from '../../client/repl/complete.js'
import { performFault } from '../../client/repl/fault-words.js'
import { FoldedEvents } from '../../client/repl/fold-events.js'
import { loadHistory } from '../../client/repl/history.js'
import { Repl } from '../../client/repl/repl.js'
import { describeUnknown, meant } from '../../client/repl/repl-words.js'
import type { Command, Event, Outcome } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import type { Cluster } from '../../src/server/cluster.js'
import { latest } from '../../stages/index.js'

const done: Outcome = { outcome: 'done', answer: { ok: true } }

process.env.XDG_STATE_HOME = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))

/** A REPL at a terminal of ours, and a cluster that answers when it is told to. */
class Sitting {
  readonly #input = Object.assign(new PassThrough(), { isTTY: true })
  readonly #t: Test
  readonly repl: Repl
  readonly code: Promise<number>
  /** What was asked and has not been answered, but for what the REPL asks by itself. */
  readonly asked: { command: Command; answer: (outcome: Outcome) => void }[] = []
  screen = ''
  #changed = () => {}

  constructor(t: Test) {
    this.#t = t
    const call = (command: Command) =>
      new Promise<Outcome>((resolve) => {
        if (command.command === 'members') return resolve({ outcome: 'done', answer: { ok: true, members: [] } })
        if (command.command === 'info')
          return resolve({ outcome: 'done', answer: { ok: true, info: { id: 'n1', role: 'leader', term: 7 } } })
        this.asked.push({ command, answer: resolve })
        this.#changed()
      })
    const write = (chunk: Buffer, _encoding: unknown, next: () => void) => {
      this.screen += chunk.toString()
      this.#changed()
      next()
    }
    const output = Object.assign(new Writable({ write }), { columns: 80 })
    const client = { call } as unknown as Client
    const options = { client, addresses: ['h:1'], shapes: latest.commands, prompt: 'raft', input: this.#input, output }
    this.repl = new Repl(options)
    this.code = this.repl.run()
    t.teardown(() => this.repl.close())
  }

  type(keys: string): void {
    this.#input.write(keys)
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => (this.#changed = resolve))
  }

  async shows(text: string): Promise<void> {
    await this.until(() => this.plain.includes(text))
    this.screen = this.plain.slice(this.plain.indexOf(text) + text.length)
  }

  /** What was shown and not looked at yet, without colours and movements. */
  get plain(): string {
    return stripVTControlCharacters(this.screen)
  }

  async isAsked(command: Command): Promise<(outcome: Outcome) => void> {
    await this.until(() => this.asked.length > 0)
    const next = this.asked.shift()!
    this.#t.same(next.command, command)
    return next.answer
  }
}

const left = '\u001b[D'

t.test('what is typed while a command runs is what is asked next, whatever is printed meanwhile', async (t) => {
  const sitting = new Sitting(t)
  await sitting.shows('n1 leads term 7')
  await sitting.shows('raft> ')
  sitting.type('set a 1\r')
  const first = await sitting.isAsked({ command: 'set', key: 'a', value: '1' })
  sitting.type(`get b\rget hllo${left}${left}${left}`)
  sitting.repl.show({ event: 'killed', node: 'n3' })
  await sitting.shows('n3  killed: whatever it had not written to disk is gone\nget hllo')
  sitting.type('e')
  first(done)
  await sitting.shows('raft> get b\n')
  const second = await sitting.isAsked({ command: 'get', key: 'b' })
  second({ outcome: 'done', answer: { ok: true, value: '2' } })
  await sitting.shows('raft> get hello')
  t.same(sitting.asked, [], 'half a line is no command')
  sitting.type('\u0005 @n1\r')
  const third = await sitting.isAsked({ command: 'get', key: 'hello' })
  third({ outcome: 'done', answer: { ok: true, value: '"' } })
  await sitting.shows('"\\""')
  sitting.type('exit\rset z 1\r')
  t.equal(await sitting.code, 0)
  t.same(sitting.asked, [])
})

t.test('a line longer than the terminal is wide is put back whole', async (t) => {
  const sitting = new Sitting(t)
  await sitting.shows('raft> ')
  const value = 'x'.repeat(200)
  sitting.type(`set long ${value}`)
  await sitting.until(() => sitting.plain.endsWith('xxx'))
  sitting.screen = ''
  sitting.repl.show({ event: 'killed', node: 'n3' })
  await sitting.until(() => sitting.screen.includes(value))
  t.equal(sitting.screen.indexOf('\u001b[2A\u001b[1G\u001b[0J'), 0, 'from its first row on')
  t.match(sitting.plain, `is gone\nraft> set long ${value}`)
  sitting.type('\r')
  await sitting.isAsked({ command: 'set', key: 'long', value })
})

t.test('Ctrl-C ends the waiting and not the sitting; what was typed ahead is not run', async (t) => {
  const sitting = new Sitting(t)
  await sitting.shows('raft> ')
  sitting.type('set a 1\r')
  const answer = await sitting.isAsked({ command: 'set', key: 'a', value: '1' })
  sitting.type('delete a\rget a')
  sitting.type('\u0003')
  await sitting.shows('1 typed ahead: dropped')
  await sitting.shows('nobody waits for it any more; it may still happen')
  await sitting.shows('raft> get a')
  answer(done)
  sitting.type('\r')
  const read = await sitting.isAsked({ command: 'get', key: 'a' })
  read({ outcome: 'done', answer: { ok: true, value: null } })
  await sitting.shows('(absent)')
  sitting.type('check\r')
  await sitting.shows('linearizable: 2 operations')
  await sitting.shows('what `nc` or another client asked is not in it')
  sitting.type('exit\r')
  t.equal(await sitting.code, 3, 'the outcome of the first is unknown')
})

t.test('Ctrl-D leaves, whatever is waited for', async (t) => {
  const sitting = new Sitting(t)
  await sitting.shows('raft> ')
  sitting.type('set a 1\r')
  await sitting.isAsked({ command: 'set', key: 'a', value: '1' })
  sitting.type('\u0004')
  t.equal(await sitting.code, 3)
})

t.test('save writes over nothing unasked', async (t) => {
  const sitting = new Sitting(t)
  const file = join(t.testdir({ old: 'precious' }), 'old')
  sitting.type(`save ${file}\r`)
  await sitting.shows('`save!')
  t.equal(readFileSync(file, 'utf8'), 'precious')
  sitting.type(`save! ${file}\r`)
  await sitting.shows('0 operations written')
  t.equal(readFileSync(file, 'utf8'), '')
})

t.test("two sittings at once keep both histories, which are nobody else's to read", async (t) => {
  const [one, other] = [new Sitting(t), new Sitting(t)]
  for (const [sitting, line] of [
    [one, 'help get'],
    [other, 'help set'],
    [one, 'help cas'],
  ] as const) {
    sitting.type(`${line}\r`)
    await sitting.shows(line.slice(5))
    await sitting.shows('raft> ')
  }
  const file = join(process.env.XDG_STATE_HOME!, 'raft-roadmap', 'history')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.same(loadHistory().slice(0, 3), ['help cas', 'help set', 'help get'], 'newest first')
  writeFileSync(file, Array.from({ length: 5_000 }, (_, at) => `get ${at}\n`).join(''), { mode: 0o644 })
  t.equal(loadHistory().length, 1_000)
  t.equal(readFileSync(file, 'utf8').split('\n').length, 1_001)
  t.equal(statSync(file).mode & 0o777, 0o600)
})

const all = { shapes: latest.commands, cluster: { hosts: null }, folders: {}, membership: {} }

t.test('words that are meant', async (t) => {
  for (const [word, command] of [
    ['SET', 'set'],
    ['Kill', 'kill'],
    ['?', 'help'],
    ['quit', 'exit'],
    ['fly', 'fly'],
  ] as const)
    t.equal(meant(word, all), command)
  for (const [word, guess] of [
    ['put', 'set'],
    ['del', 'delete'],
    ['PUT', 'set'],
    ['stauts', 'status'],
    ['kil', 'kill'],
    ['restrat', 'restart'],
    ['keys', 'scan'],
  ] as const)
    t.match(describeUnknown(word, all), `did you mean \`${guess}\`?`)
  t.match(describeUnknown('scenario', all), /it is one of the shell's: npx raft-roadmap scenario/)
  const unknown = describeUnknown('xyzzy', all)
  t.match(unknown, /^no command "xyzzy"; there are get set .* and here add remove kill stop restart .* exit$/)
})

t.test('what Tab offers', async (t) => {
  const nodes = ['n1', 'n2']
  const offers = (line: string) => complete(line, all, nodes)[0].map((hit) => hit.trim())
  t.same(offers('ki'), ['kill'])
  t.same(offers('kill '), ['leader', 'follower', 'n1', 'n2'])
  t.same(offers('kill n1 l'), ['leader'])
  t.same(offers('heal '), [])
  t.same(offers('restart '), ['all', 'n1', 'n2'])
  t.same(offers('transfer_leader '), ['follower', 'n1', 'n2'])
  t.same(offers('log '), ['leader', 'n1', 'n2'])
  t.same(offers('get '), [], 'a key is not a node')
  t.same(offers('get a '), ['@leader', '@follower', '@n1', '@n2'])
  t.same(offers('get a @n'), ['@n1', '@n2'])
  t.same(offers('set a '), [])
  t.same(offers('set a x'), [])
  t.same(offers('status '), [])
  t.same(offers('help k'), ['kill'])
  t.same(offers('reconfigure n1 '), ['n1', 'n2'])
  const folder = t.testdir({ 'one.ndjson': '', other: {} })
  t.same(offers(`save ${folder}/o`).sort(), [`${folder}/one.ndjson`, `${folder}/other/`])
  t.same(offers(`check ${folder}/on`), [`${folder}/one.ndjson`])
})

t.test('a flood of events is folded', async (t) => {
  const shown: [Event, number][] = []
  let ended = () => {}
  const end = new Promise<void>((resolve) => (ended = resolve))
  const folded = new FoldedEvents((event, more) => {
    shown.push([event, more])
    if (more > 0) ended()
  })
  const alive = setInterval(() => {}, 1_000)
  for (let count = 1; count <= 418; count++)
    folded.take({ event: 'message_lost', node: 'n1', peer: 'n2', type: 'AppendEntries', reason: `${count}` })
  folded.take({ event: 'campaign', node: 'n1', term: 2 })
  t.equal(shown.length, 6)
  await end
  clearInterval(alive)
  t.match(shown.at(-1), [{ event: 'message_lost', reason: '418' }, 412])
})

t.test('a fault of several nodes is done to each that is in a state for it', async (t) => {
  const killed: string[] = []
  const cluster = {
    statuses: async () =>
      ['n1', 'n2', 'n3', 'n4'].map((id) => ({ id, role: id === 'n2' ? 'leader' : 'follower', term: 3 })),
    faults: {
      async kill(node: string) {
        if (node === 'n3' || killed.includes(node)) throw new ConfigError(`${node} is dead already`)
        killed.push(node)
        return { event: 'killed', node }
      },
    },
  } as unknown as Cluster
  t.same(await performFault(cluster, 'kill n1 n3 n5'), [
    { event: 'killed', node: 'n1' },
    { event: 'refused', node: 'n3', message: 'n3 is dead already' },
    { event: 'killed', node: 'n5' },
  ])
  await t.rejects(performFault(cluster, 'kill n3'), { name: 'ConfigError' })
  t.match(await performFault(cluster, 'kill leader follower'), [{ node: 'n2' }, { node: 'n1', event: 'refused' }])
  t.match(await performFault(cluster, 'kill n1 follower'), [{ event: 'refused' }, { node: 'n3', event: 'refused' }])
  await t.rejects(performFault(cluster, 'kill n1 n3 n4 follower'), /there is no other follower/)
})
