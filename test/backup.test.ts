/** Backups as files, and folders that are made of them: whole, or not there. Real clusters: test/cluster/backup.test.ts. */
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { folderMoment } from '../client/backup/folder-moment.js'
import { restoreCluster } from '../client/backup/restore.js'
import { type BackupHeader, type Moment, parseFooter } from '../src/backup/format.js'
import { makeFolders } from '../src/backup/make-folders.js'
import { backupLines, verifyBackup } from '../src/backup/read-backup.js'
import { stateOf, withStoppedNode } from '../src/backup/stopped-node.js'
import { BackupDiskError, writeBackup } from '../src/backup/write-backup.js'
import { compareKeys } from '../src/contracts.js'
import { DamagedLogError } from '../src/storage/errors.js'
import { type Files, type OpenFile, realFiles } from '../src/storage/files.js'
import { headerOfNewCluster } from '../stages/8-membership/begin-anew.js'
import { latest } from '../stages/index.js'
import { size } from './helpers/effort.js'
import { keepAll, keepHalf, keepNothing, MemoryFiles } from './storage/memory-files.js'

const header: BackupHeader = {
  backup: 1,
  application: 'key-value',
  cluster: 'orders',
  origin: '0a0b0c0d',
  index: 12,
  term: 3,
  at: '2026-11-26T12:00:00.000Z',
  version: '0.1.0',
  members: [{ id: 'n1', client: '127.0.0.1:1', peer: '127.0.0.1:2' }],
}

type Contents = ReadonlyMap<string, string>

const lineOf = ([key, value]: readonly [string, string]) => `${JSON.stringify([key, value])}\n`
const sorted = (contents: Contents) => [...contents].sort(([one], [other]) => compareKeys(one, other))

/** A moment whose lines come in pieces of a few. */
function momentOf(contents: Contents, piece = 2): Moment {
  const lines = sorted(contents).map(lineOf)
  async function* pieces() {
    for (let at = 0; at < lines.length; at += piece) yield lines.slice(at, at + piece).join('')
  }
  return { header, lines: pieces(), bytes: 0 }
}

async function contentsOf(lines: AsyncIterable<string>): Promise<Contents> {
  const contents = new Map<string, string>()
  for await (const piece of lines)
    for (const line of piece.split('\n').slice(0, -1)) contents.set(...(JSON.parse(line) as [string, string]))
  return contents
}

/** Keys and values as clients may send them: any well-formed text, also one that looks like a part of the form. */
const text = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  fc.constantFrom('__proto__', '\n', '\u2028', '\r\n', '{"sha256":"0"}', '["a","b"]', '\u0000', '😀', '\uffff'),
)
const store = fc.array(fc.tuple(text, text), { maxLength: 30 }).map((entries): Contents => new Map(entries))

t.test('what is read is what was written, and the hash can be checked by hand', async () => {
  await fc.assert(
    fc.asyncProperty(store, fc.integer({ min: 1, max: 7 }), async (contents, piece) => {
      const files = new MemoryFiles()
      const footer = await writeBackup('/b/x.ndjson', momentOf(contents, piece), { files })
      const file = files.content('/b/x.ndjson').toString()
      const body = file.slice(0, file.slice(0, -1).lastIndexOf('\n') + 1)
      const byHand = createHash('sha256').update(body).digest('hex')
      const { header: read, ...facts } = await verifyBackup('/b/x.ndjson', undefined, files)
      const isRight =
        footer.sha256 === byHand && footer.entries === contents.size && footer.bytes === Buffer.byteLength(body)
      return isRight && JSON.stringify(read) === JSON.stringify(header) && facts.sha256 === byHand
    }),
    { numRuns: size(60, 1_000) },
  )
})

const few: Contents = new Map([
  ['a', '1'],
  ['b', 'two\nlines'],
  ['__proto__', ''],
  ['é', '😀'],
])

/** The bytes of a small backup. */
async function bytesOf(contents = few): Promise<Buffer> {
  const files = new MemoryFiles()
  await writeBackup('/b/x', momentOf(contents), { files })
  return files.content('/b/x')
}

async function problemWith(bytes: Buffer): Promise<string> {
  const files = new MemoryFiles()
  files.put('/b/x', bytes)
  try {
    await verifyBackup('/b/x', undefined, files)
    return ''
  } catch (error) {
    return error instanceof DamagedLogError ? error.message : `another error: ${(error as Error).stack}`
  }
}

t.test('a cut at any byte is noticed, and a flipped bit in any byte', async (t) => {
  const whole = await bytesOf()
  t.equal(await problemWith(whole), '')
  for (let at = 0; at < whole.length; at++) {
    t.match(await problemWith(whole.subarray(0, at)), /^\/b\/x/, `cut at byte ${at}`)
    const flipped = Buffer.from(whole)
    flipped[at]! ^= 1 << (at % 8)
    t.match(await problemWith(flipped), /^\/b\/x/, `a bit of byte ${at}`)
  }
})

t.test('the line that is wrong is named', async (t) => {
  const lines = (await bytesOf()).toString().split('\n').slice(0, -1)
  const changed = (change: (lines: string[]) => void) => {
    const copy = [...lines]
    change(copy)
    return problemWith(Buffer.from(`${copy.join('\n')}\n`))
  }
  const swap = (copy: string[]) => copy.splice(2, 2, copy[3]!, copy[2]!)
  t.match(await changed(swap), '/b/x:4: its key does not stand behind')
  t.match(await changed((copy) => copy.splice(2, 0, copy[2]!)), '/b/x:4: its key does not stand behind')
  t.match(await changed((copy) => copy.splice(3, 1, '["a"]')), '/b/x:4: it is no entry')
  t.match(await changed((copy) => copy.splice(3, 1, 'null')), '/b/x:4: it is no line of JSON')
  t.match(await changed((copy) => copy.splice(3, 1)), /\/b\/x:5: it counts 4 lines, and there are 3/)
  t.match(await changed((copy) => copy.splice(2, 1, '["a","2"]')), /\/b\/x:6: its hash is not/)
  t.match(await changed((copy) => copy.pop()), /\/b\/x:5: the last line.*was cut off/)
  t.match(await changed((copy) => copy.splice(0, 1, '{}')), '/b/x:1: it is not the first line')
  t.match(await changed((copy) => copy.splice(0, 1, copy[0]!.replace('"backup":1', '"backup":2'))), /run that version/)
  t.match(await problemWith(Buffer.alloc(0)), '/b/x:1:')
})

t.test('each call on the disk fails in turn, once and for good: no file, or a whole one', async (t) => {
  const folder = '/b'
  let isOver = false
  for (let failAt = 1; !isOver; failAt++) {
    const files = new MemoryFiles()
    Object.assign(files, { failAt, code: 'ENOSPC' })
    const error = await writeBackup(`${folder}/x`, momentOf(few), { files }).then(
      () => null,
      (error: Error) => error,
    )
    isOver = error === null
    if (isOver) break
    t.ok(error instanceof BackupDiskError, `call ${failAt}: ${error}`)
    t.match(error!.message, /the disk is full; make room.*no backup was written/)
    t.same([...files.names.keys()], [], `call ${failAt}: nothing is left`)
    const dying = new MemoryFiles()
    Object.assign(dying, { failAt, forGood: true })
    await t.rejects(writeBackup(`${folder}/x`, momentOf(few), { files: dying }))
    for (const keep of [keepNothing, keepHalf, keepAll]) {
      const after = dying.afterPowerFailure(keep)
      if (after.names.has('/b/x')) await verifyBackup('/b/x', undefined, after)
      for (const name of after.names.keys()) t.match(name, /^\/b\/x(\.[0-9a-f]{8}\.part)?$/)
    }
  }
  t.ok(isOver)
})

t.test('a file of this name is not overwritten, and an interrupted backup leaves none', async (t) => {
  const files = new MemoryFiles()
  files.put('/b/x', Buffer.from('mine'))
  await t.rejects(writeBackup('/b/x', momentOf(few), { files }), /is there already/)
  t.equal(files.content('/b/x').toString(), 'mine')
  const given = new AbortController()
  const moment = momentOf(new Map(Array.from({ length: 9 }, (_, at) => [`k${at}`, 'x'.repeat(200_000)])), 1)
  const onProgress = (bytes: number) => bytes > 300_000 && given.abort(new Error('given up'))
  await t.rejects(writeBackup('/b/y', moment, { files, onProgress, signal: given.signal }), /given up/)
  t.same([...files.names.keys()], ['/b/x'])
})

t.test('memory is bounded: no slice is asked for before the one before it is written', async (t) => {
  const files = new MemoryFiles()
  let [given, held] = [0, 0]
  const count = (bytes: number) => {
    held = Math.max(held, given - bytes)
  }
  async function* lines() {
    for (let at = 0; at < 60; at++) {
      const line = lineOf([`k${String(at).padStart(3, '0')}`, 'x'.repeat(100_000)])
      given += line.length
      yield line
    }
  }
  await writeBackup('/b/x', { header, lines: lines(), bytes: 0 }, { files, onProgress: count })
  t.ok(held < 512 * 1024, `at most ${held} bytes were held`)
  const pieces: number[] = []
  const open = async (path: string, mode: 'reading') => {
    const file = await files.open(path, mode)
    const read: OpenFile['read'] = (at, length) => {
      pieces.push(length)
      return file.read(at, length)
    }
    return { ...file, read }
  }
  const watched = { ...realFiles, look: (path: string) => files.look(path), open: open as Files['open'] }
  await verifyBackup('/b/x', undefined, watched)
  t.ok(Math.max(...pieces) <= 256 * 1024, 'it is read in pieces')
})

const members = ['n1', 'n2', 'n3'].map((id, at) => ({
  id,
  client: `127.0.0.1:${at + 1}`,
  peer: `127.0.0.1:${at + 11}`,
}))

/** Restores a backup for some nodes. @param isAlone true for one node in a folder of its own */
function restored(file: string, folder: string, isAlone: boolean) {
  const nodes = isAlone
    ? [{ ...members[0]!, folder }]
    : members.map((member) => ({ ...member, folder: join(folder, member.id) }))
  const cluster = {
    cluster: 'orders',
    application: 'key-value',
    root: isAlone ? null : folder,
    nodes,
    log: 'file',
  } as const
  return verifyBackup(file).then((verified) => restoreCluster(file, verified, cluster, () => {}))
}

/** Everything that a stopped node would serve. */
function servedFrom(folder: string): Promise<Contents> {
  return withStoppedNode(
    folder,
    () => {},
    async (stopped) => {
      const machine = await stateOf(latest, stopped, stopped.recovered.commit)
      return machine.contents()
    },
  )
}

t.test('restored from a backup, each node has what was backed up; and so has a backup of its folder', async (t) => {
  const root = t.testdir({})
  let run = 0
  await fc.assert(
    fc.asyncProperty(store, fc.boolean(), async (contents, isAlone) => {
      const [file, folder, again] = ['b', 'data', 'again'].map((name) => join(root, `${name}${run}`)) as [
        string,
        string,
        string,
      ]
      run++
      await writeBackup(file, momentOf(contents))
      const event = await restored(file, folder, isAlone)
      const folders = isAlone ? [folder] : members.map(({ id }) => join(folder, id))
      const wanted = JSON.stringify(sorted(contents))
      for (const one of folders) if (JSON.stringify(sorted(await servedFrom(one))) !== wanted) return false
      await withStoppedNode(
        folders[0]!,
        () => {},
        async (stopped) => void (await writeBackup(again, await folderMoment(stopped))),
      )
      const verified = await verifyBackup(again)
      const isNew = verified.header.origin === event.origin && event.origin !== header.origin
      return (
        isNew &&
        verified.header.index > header.index &&
        JSON.stringify([...(await contentsOf(backupLines(again)))]) === wanted
      )
    }),
    { numRuns: size(6, 60) },
  )
})

t.test('a place that is taken is refused, and nothing in it is touched', async (t) => {
  const root = t.testdir({ data: { 'notes.txt': 'mine' }, n1: { '.restoring': {}, 'notes.txt': 'mine' } })
  const file = join(root, 'b')
  await writeBackup(file, momentOf(few))
  await t.rejects(restored(file, join(root, 'data'), false), /is not empty \(there is notes\.txt\)/)
  await t.rejects(restored(file, join(root, 'n1'), true), /is not empty \(there is notes\.txt\)/)
  t.equal(readFileSync(join(root, 'data', 'notes.txt'), 'utf8'), 'mine')
  t.equal(readFileSync(join(root, 'n1', 'notes.txt'), 'utf8'), 'mine')
  await restored(file, join(root, 'new'), true)
  await t.rejects(restored(file, join(root, 'new'), true), /is not empty/)
  t.equal((await servedFrom(join(root, 'new'))).size, few.size)
})

t.test('a backup that is not whole, or goes wrong on the way, restores nothing', async (t) => {
  const root = t.testdir({})
  const file = join(root, 'b')
  await writeBackup(file, momentOf(few))
  const whole = readFileSync(file)
  writeFileSync(file, whole.subarray(0, whole.length - 30))
  await t.rejects(restored(file, join(root, 'data'), false), DamagedLogError)
  writeFileSync(file, whole)
  const verified = await verifyBackup(file)
  writeFileSync(file, Buffer.from(whole.toString().replace('"1"', '"7"')))
  const nodes = [{ ...members[0]!, folder: join(root, 'n1') }]
  const cluster = { cluster: 'orders', application: 'key-value', root: null, nodes, log: 'file' } as const
  await t.rejects(
    restoreCluster(file, verified, cluster, () => {}),
    /its hash is not/,
  )
  t.same(
    readdirSync(root).filter((name) => name !== 'b' && readdirSync(join(root, name)).length > 0),
    [],
  )
  t.equal(parseFooter('{}'), null)
})

/** Calls on the files of which one never ends: as if the process was killed in it. */
function frozenAt(at: number): { files: Files; frozen: Promise<void> } {
  let calls = 0
  let freeze = () => {}
  const frozen = new Promise<void>((resolve) => {
    freeze = resolve
  })
  const guarded = <Object extends object>(real: Object): Object =>
    new Proxy(real, {
      get: (target, name) => {
        const call = Reflect.get(target, name) as ((...given: unknown[]) => Promise<unknown>) | undefined
        // A value that is awaited is asked for its `then`.
        if (call === undefined) return undefined
        return async (...given: unknown[]) => {
          if (++calls >= at) {
            freeze()
            await new Promise(() => {})
          }
          const result = await call.apply(target, given)
          return name === 'open' ? guarded(result as OpenFile) : result
        }
      },
    })
  return { files: guarded(realFiles), frozen }
}

/** Says what a start finds in a folder: nothing, the whole state, or a reason not to start. */
async function foundIn(folder: string): Promise<'nothing' | 'all' | 'refused'> {
  if (!existsSync(folder) || !readdirSync(folder).some((name) => !name.startsWith('.'))) return 'nothing'
  try {
    const contents = await servedFrom(folder)
    return JSON.stringify(sorted(contents)) === JSON.stringify(sorted(few)) ? 'all' : 'nothing'
  } catch (error) {
    if (error instanceof DamagedLogError || /no log of a node/.test((error as Error).message)) return 'refused'
    throw error
  }
}

async function sweep(t: Test, isAlone: boolean): Promise<void> {
  const place = { owner: { cluster: 'orders', node: 'n1' } }
  const begin = (origins: readonly string[]) => ({
    header: headerOfNewCluster({ index: 100, term: 2 }, origins[0]!, [{ ...members[0]!, incarnation: origins[0]! }]),
    ...{ term: 2, application: 'key-value', lines: momentOf(few).lines },
  })
  const outcomes = new Set<string>()
  for (let at = 1, isOver = false; !isOver; at++) {
    const root = join(t.testdir({}), 'data')
    mkdirSync(root)
    const folder = isAlone ? root : join(root, 'n1')
    const { files, frozen } = frozenAt(at)
    const made = makeFolders(isAlone ? null : root, [{ ...place, path: folder }], 'file', begin, files)
    isOver = await Promise.race([made.then(() => true), frozen.then(() => false)])
    // The process is gone, and its locks with it.
    const copy = `${root}-copy`
    cpSync(root, copy, { recursive: true })
    const found = await foundIn(isAlone ? copy : join(copy, 'n1'))
    outcomes.add(found)
    if (isOver) t.equal(found, 'all')
    for (const name of readdirSync(join(root, '..'), { recursive: true }) as string[])
      if (/LOCK\/./.test(name)) rmSync(join(root, '..', name))
    const again = makeFolders(isAlone ? null : root, [{ ...place, path: folder }], 'file', begin)
    if (found === 'all') await t.rejects(again, /is not empty/, `call ${at}: it is done`)
    else {
      await again
      t.equal(await foundIn(folder), 'all', `call ${at}: ${found} was there, and it can be restored again`)
    }
  }
  t.ok(outcomes.has('nothing') && outcomes.has('all'), [...outcomes].join())
}

t.test('killed in any call, a restore of one node leaves nothing that starts half', (t) => sweep(t, true))
t.test('killed in any call, a restore of several nodes leaves nothing that starts half', (t) => sweep(t, false))
