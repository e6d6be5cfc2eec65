/** Who reads the events may stand still from the beginning, or go: no node waits for it, and none ends with it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import { parseAddress } from '../../src/address.js'
import type { Member } from '../../src/contracts.js'
import { localMembers } from '../../src/network/local-members.js'
import { place } from '../helpers/place.js'
import { main, Raw } from '../helpers/running.js'

/** A pipe that is full before anybody writes to it, and is never read. */
function fullPipe(t: Test): number {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY)
  t.teardown(() => {
    for (const end of [reader, writer]) closeSync(end)
    rmSync(folder, { recursive: true })
  })
  const filling = Buffer.alloc(4_096)
  try {
    for (;;) writeSync(reader, filling)
  } catch (error) {
    t.equal((error as NodeJS.ErrnoException).code, 'EAGAIN', 'the pipe is full')
  }
  return writer
}

/** Waits until somebody listens at an address. */
async function listening(address: string): Promise<void> {
  for (;;) {
    const socket = connect(parseAddress(address)!)
    const isThere = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (isThere) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

/** Starts a node behind a pipe that is full, asks it, and ends it. */
async function servesUnread(t: Test, mode: string, argsAt: (member: Member, base: number) => readonly string[]) {
  const base = await freeBasePort(1, '127.0.0.1')
  const [member] = localMembers(1, '127.0.0.1', base) as [Member]
  const pipe = fullPipe(t)
  const child = spawn(process.execPath, [main, ...argsAt(member, base)], { stdio: ['pipe', pipe, 'ignore'] })
  t.teardown(() => child.kill('SIGKILL'))
  await listening(member.client)
  const raw = new Raw(t, member.client)
  raw.socket.write('{"command":"set","key":"a","value":"1"}\n{"command":"get","key":"a"}\n')
  t.match(await raw.answers(2), [{}, {}], `${mode} answers`)
  child.kill('SIGTERM')
  t.equal(await exitOf(child), 0, `${mode} ends when it is asked to`)
}

t.test('a reader that stands still from the beginning blocks nobody', async (t) => {
  const alone = ({ client, peer }: Member) => ['node', '2', '--id', 'n1', '--peers', `n1=${client}/${peer}`]
  const run = (base: number) => ['run', '2', '--nodes', '1', '--headless', '--base-port', String(base)]
  await servesUnread(t, 'node', (member) => alone(member))
  await servesUnread(t, 'node --json', (member) => [...alone(member), '--json'])
  await servesUnread(t, 'run --headless', (_, base) => run(base))
  await servesUnread(t, 'run --headless --json', (_, base) => [...run(base), '--json'])
})

t.test(
  'up: all nodes are started, though the reader of its events has gone; and they have their own levels',
  async (t) => {
    const { folder, path, verb } = await place(t, 3, 'logLevel: warn\n')
    const child = spawn(process.execPath, [main, 'up', '--config', path, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    child.stdout.destroy()
    t.equal(await exitOf(child), 0)
    t.match(await verb('status'), { code: 0 })
    const told = ['n1', 'n2', 'n3'].map((id) =>
      readFileSync(join(folder, 'data', `${id}.process`, 'events.ndjson'), 'utf8'),
    )
    t.notMatch(told.join(''), /"level":"(debug|info)"/, 'the file of the cluster says from which level on')
    await verb('down')
    t.match(await verb('up', '--log-level', 'debug'), { code: 0 })
    const later = ['n1', 'n2', 'n3'].map((id) =>
      readFileSync(join(folder, 'data', `${id}.process`, 'events.ndjson'), 'utf8'),
    )
    t.match(later.join(''), /"event":"elected","level":"info","at":\d+/, 'and the flag counts for more')
    t.match(later.join(''), /"event":"link_up","level":"debug"/)
  },
)
