/** Backup, restore and recovery on real processes, as a person types them; the form of the files: test/backup.test.ts. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { clusterMoment } from '../../client/backup/cluster-moment.js'
import { BackupRefused } from '../../client/backup/refused.js'
import { Client } from '../../client/client.js'
import type { KeyValueCommands } from '../../client/commands-of.js'
import { backupLines, verifyBackup } from '../../src/backup/read-backup.js'
import { writeBackup } from '../../src/backup/write-backup.js'
import { compareKeys } from '../../src/contracts.js'
import { longOnly, size } from '../helpers/effort.js'
import { place } from '../helpers/place.js'
import { cli } from '../helpers/running.js'

type Contents = Map<string, string>
type Asking = Client<KeyValueCommands>

/** A client that is closed at the end of the test. */
function clientOf(t: Test, addresses: readonly string[], settings: { session?: boolean } = {}): Asking {
  const client = new Client<KeyValueCommands>({ addresses, deadlineMs: 30_000, ...settings })
  t.teardown(() => client.close())
  return client
}

async function entriesOf(lines: AsyncIterable<string>): Promise<(readonly [string, string])[]> {
  const entries: [string, string][] = []
  for await (const piece of lines)
    for (const line of piece.split('\n').slice(0, -1)) entries.push(JSON.parse(line) as [string, string])
  return entries
}

async function scanned(client: Asking): Promise<(readonly [string, string])[]> {
  const entries: (readonly [string, string])[] = []
  for await (const entry of client.scan()) entries.push(entry)
  return entries
}

/** Clients that write without a pause, and what each write did at its index. */
class Writers {
  readonly #changes: { readonly index: number; readonly apply: (contents: Contents) => void }[] = []
  readonly #done: Promise<unknown>
  readonly #unknown: string[] = []
  #isOver = false
  /** The index of the last write that was answered. */
  last = 0

  constructor(clients: readonly Asking[]) {
    this.#done = Promise.all(clients.map((client, at) => this.#write(client, `${at} \u{1f600}\n"`)))
  }

  async #write(client: Asking, own: string): Promise<void> {
    for (let number = 0; !this.#isOver; number++) {
      const key = `${own}${number % 7}`
      const command = { command: 'append', key, value: `${number};`, withIndex: true } as const
      const remove = { command: 'delete', key, withIndex: true } as const
      const isRemoval = number % 5 === 4
      const outcome = await client.call(isRemoval ? remove : command)
      if (outcome.outcome !== 'done') return void this.#unknown.push(outcome.error.message)
      const index = (outcome.answer as { index?: number }).index!
      this.last = Math.max(this.last, index)
      const append = (contents: Contents) => contents.set(key, `${contents.get(key) ?? ''}${number};`)
      this.#changes.push({ index, apply: isRemoval ? (contents) => contents.delete(key) : append })
    }
  }

  /** Waits until so many more entries have been written. */
  async more(entries: number): Promise<void> {
    const end = this.last + entries
    while (this.last < end && this.#unknown.length === 0) await new Promise(setImmediate)
  }

  async end(): Promise<readonly string[]> {
    this.#isOver = true
    await this.#done
    return this.#unknown
  }

  /** The store as it was at an index. */
  at(index: number): (readonly [string, string])[] {
    const contents: Contents = new Map()
    const changes = this.#changes.toSorted((one, other) => one.index - other.index)
    for (const change of changes) if (change.index <= index) change.apply(contents)
    return [...contents].sort(([one], [other]) => compareKeys(one, other))
  }
}

/** Writes the same cluster's file, with other folders. */
function otherData(path: string, name: string): string {
  const other = path.replace('cluster.yaml', `${name}.yaml`)
  writeFileSync(other, readFileSync(path, 'utf8').replace('nodes:', `dataDir: ${name}\nnodes:`))
  return other
}

/** Checks that a cluster is another one than that which had entries up to an index, and session 6. */
async function checkNew(t: Test, client: Asking, before: number): Promise<void> {
  const set = await client.call({ command: 'set', key: 'new', value: '1', withIndex: true })
  const { index } = (set.outcome === 'done' ? set.answer : { index: 0 }) as { index: number }
  t.ok(index > before + 1_000_000_000, 'indexes of the old cluster name nothing here')
  const call = { command: 'set', key: 'old', value: '1', session: 6, sequence: 1 } as const
  const old = await client.call(call, { session: false })
  t.match(old, { outcome: 'unknown', error: { code: 'session_expired' } }, 'a session of the old cluster names none')
  const { members } = await client.members()
  t.same(
    members.map(({ id, role }) => `${id} ${role}`),
    ['n1 voter', 'n2 voter', 'n3 voter'],
  )
}

t.test(
  'a backup is the store at one index, under writes; and a cluster that is restored from it is that store',
  async (t) => {
    const { folder, path, verb, addresses } = await place(t, 3, 'snapshotEntries: 200\n')
    t.match(await verb('up'), { code: 0 })
    const writers = new Writers(addresses.map(() => clientOf(t, addresses)))
    const backups = size(2, 12)
    const files: { readonly file: string; readonly before: number; readonly isStale: boolean }[] = []
    for (let at = 0; at < backups; at++) {
      await writers.more(30)
      const [file, before, isStale] = [join(folder, `${at}.ndjson`), writers.last, at % 3 === 1]
      const ended = await cli([
        'backup',
        file,
        '--connect',
        addresses[at % 3]!,
        ...(isStale ? ['--reads', 'stale'] : []),
      ])
      t.match(ended, { code: 0, stderr: '' }, file)
      files.push({ file, before, isStale })
    }
    t.same(await writers.end(), [], 'no outcome is unknown, or the model is')
    for (const { file, before, isStale } of files) {
      const { header } = await verifyBackup(file)
      t.same(
        await entriesOf(backupLines(file)),
        writers.at(header.index),
        `${file}: the store at entry ${header.index}`,
      )
      if (!isStale) t.ok(header.index >= before, 'every write that was answered before is in it')
      t.match(await cli(['verify', file]), { code: 0, stdout: /whole/ })
    }
    const [{ file }] = files as [(typeof files)[0]]
    t.match(await cli(['restore', file, '--config', path]), { code: 2, stderr: /is not empty.*nothing was restored/ })
    await verb('down')
    const other = otherData(path, 'new')
    t.teardown(() => cli(['down', '--config', other]))
    t.match(await cli(['restore', file, '--config', other]), { code: 0 })
    t.match(await cli(['up', '--config', other]), { code: 0 })
    const { header } = await verifyBackup(file)
    const client = clientOf(t, addresses)
    t.same(await scanned(client), writers.at(header.index))
    await checkNew(t, client, header.index)
  },
)

/** A store of some megabytes: a copy of it takes many pieces. */
async function filled(client: Asking): Promise<void> {
  for (let at = 0; at < 4; at++) await client.set(`k${at}`, String(at).repeat(900_000))
}

t.test(
  'a copy that is cut leaves nothing; a node that starts again in time is copied to the end',
  longOnly,
  async (t) => {
    const { folder, verb, addresses, pidOf } = await place(t, 3)
    t.match(await verb('up'), { code: 0 })
    await filled(clientOf(t, addresses))
    const at = addresses[1]!
    const kill = async (file: string, patienceMs: number, then: () => Promise<unknown>) => {
      const client = clientOf(t, [at], { session: false })
      const moment = await clusterMoment(client, [at], { isStale: false, patienceMs })
      let started: Promise<unknown> | undefined
      const onProgress = (bytes: number) => {
        if (bytes === 0 || started) return
        process.kill(pidOf('n2'), 'SIGKILL')
        started = then()
      }
      const footer = await writeBackup(join(folder, file), moment, { onProgress })
      await started
      return footer
    }
    await t.rejects(
      kill('cut', 1, async () => {}),
      BackupRefused,
    )
    t.same(
      readdirSync(folder).filter((name) => /^cut/.test(name)),
      [],
    )
    t.match(await verb('up'), { code: 0 })
    t.match(await kill('whole', 60_000, () => verb('up')), { entries: 4 })
    t.equal((await verifyBackup(join(folder, 'whole'))).entries, 4)
    const none = await cli(['backup', join(folder, 'none'), '--connect', '127.0.0.1:1'])
    t.match(none, { code: 1, stdout: /unreachable.*no backup was written/ })
    const nowhere = await cli(['backup', join(folder, 'no', 'folder'), '--connect', at])
    t.match(nowhere, { code: 74, stderr: /it is not there.*no backup was written/ })
  },
)

t.test('recovered from a lost majority: the old nodes are refused both ways', async (t) => {
  const { folder, path, verb, addresses } = await place(t, 3)
  t.match(await verb('up'), { code: 0 })
  const before = clientOf(t, addresses)
  for (let at = 0; at < 20; at++) await before.append('log', `${at};`)
  const whole = await before.get('log')
  await verb('down')
  const data = (id: string) => join(folder, 'data', id)
  const kept = join(folder, 'kept')
  cpSync(data('n3'), kept, { recursive: true })
  for (const id of ['n2', 'n3']) rmSync(data(id), { recursive: true })
  const would = await cli(['recover', '--data-dir', data('n1')])
  t.match(would, { code: 1, stdout: /would begin a new cluster.*is lost.*Nothing was changed/s })
  const compared = await cli(['recover', '--compare', kept, data('n1'), '--json'])
  t.match(compared, { code: 0, stdout: /"best_survivor"/ })
  t.match(await cli(['recover', '--data-dir', data('n1'), '--i-accept-data-loss']), { code: 0 })
  cpSync(kept, data('n3'), { recursive: true })
  t.match(await verb('up', '--node', 'n1'), { code: 0 })
  const client = clientOf(t, [addresses[0]!])
  t.equal(await client.get('log'), whole, 'each append is there, and once')
  await verb('up', '--node', 'n3')
  const [n1, n3] = [addresses[0]!, addresses[2]!]
  const both = async () => {
    const seen = await Promise.all([n1, n3].map((at) => client.call({ command: 'info' }, { at })))
    return seen.map((one) => (one.outcome === 'done' ? one.answer.info : {}) as { origin?: string; foreign?: unknown })
  }
  for (let seen = await both(); !seen.every(({ foreign }) => foreign); seen = await both());
  const [one, other] = await both()
  t.not(one!.origin, other!.origin)
  t.match(one!.foreign, [{ id: 'n3', origin: other!.origin }])
  t.match(other!.foreign, [{ id: 'n1', origin: one!.origin }])
  const peerOf = /n3: \{ client: '[^']+', peer: '([^']+)'/.exec(readFileSync(path, 'utf8'))![1]!
  const add = await cli(['client', '--connect', n1, 'add_node', 'n3', n3, peerOf])
  t.match(add, { code: 1, stderr: /belongs to another cluster of the same name/ })
  await verb('down', '--node', 'n3')
  rmSync(data('n3'), { recursive: true })
  await verb('up', '--node', 'n3')
  t.match(await cli(['client', '--connect', n1, 'add_node', 'n3', n3, peerOf]), { code: 0 })
  t.equal(await clientOf(t, [n3]).get('log', { consistency: 'stale' }), whole)
})
