/**
 * The image of the Dockerfile without a container runtime: what its last stage copies and runs, in a folder that becomes the
 * root of a node's process. The root is read-only, the process is the image's user, and it may write to `/data` alone.
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, cpSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import ndjson from 'ndjson'
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import { obstacle } from '../../src/server/hosts/tools.js'
import { root } from '../docs.js'
import { longOnly } from '../helpers/effort.js'
import type { Happened } from '../helpers/happened.js'
import { bare } from '../helpers/running.js'

const longOnHosts = { skip: longOnly.skip || (obstacle() ?? false) } as const
/** The user `node` of the official images of Node. */
const user = 1_000

/** The instructions of the Dockerfile's last stage, each with its words. */
function instructions(): { name: string; rest: string }[] {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', '')
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')) + 1)
  return last.map((line) => ({ name: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1) }))
}

/** Does what the instructions do to the folder of the program. */
function make(t: Test, app: string): void {
  for (const { name, rest } of instructions()) {
    if (name === 'RUN' && rest.startsWith('npm ci')) {
      const { status, stderr } = spawnSync(rest.split(' && ')[0]!, { cwd: app, shell: true, encoding: 'utf8' })
      t.equal(status, 0, stderr)
    }
    if (name !== 'COPY') continue
    const words = rest.split(' ').filter((word) => !word.startsWith('--'))
    const to = words.pop()!
    for (const from of words.map((word) => join(root, word.replace(/^\/app\//, '')))) {
      const isFolder = statSync(from).isDirectory()
      cpSync(from, isFolder ? join(app, to) : join(app, to, basename(from)), { recursive: true })
    }
  }
}

/** Makes the root of a process: the system's programs, the image's program, and its data. Then the process begins. */
const script = `
set -e
image=$1 app=$2 data=$3 node=$4; shift 4
mount -t tmpfs tmpfs "$image"
cd "$image"
mkdir app data node
for folder in bin lib lib64 usr etc proc dev; do
  [ -e "/$folder" ] && mkdir "$folder" && mount --rbind "/$folder" "$folder"
done
touch node/node
mount --bind "$node" node/node
mount --bind "$app" app
mount -o remount,bind,ro app
mount --bind "$data" data
mount -o remount,ro "$image"
exec chroot --userspec=${user}:${user} --groups= "$image" /node/node "$@"
`

t.test('an image needs no root, and writes to its volume alone', longOnHosts, async (t) => {
  const folders = t.testdir({ image: {}, app: {}, data: {} })
  const [image, app, data] = ['image', 'app', 'data'].map((name) => join(folders, name)) as [string, string, string]
  make(t, app)
  chownSync(data, user, user)
  const [program, ...words] = JSON.parse(instructions().find(({ name }) => name === 'ENTRYPOINT')!.rest) as string[]
  t.equal(program, 'node')
  const base = await freeBasePort(1, '127.0.0.1')
  const [client, peer] = [`127.0.0.1:${base + 1}`, `127.0.0.1:${base + 101}`]
  const command = ['node', '10', '--id', 'n1', '--data-dir', '/data/n1', '--peers', `n1=${client}/${peer}`, '--json']
  const inside = ['--mount', 'sh', '-c', script, 'sh', image, app, data, process.execPath, ...words, ...command]
  const node = bare('unshare', inside)
  t.teardown(() => node.kill('SIGKILL'))
  const ended = once(node, 'close')
  let said = ''
  node.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await new Promise<void>((resolve, reject) => {
    node.stdout!.pipe(ndjson.parse()).on('data', ({ event }: Happened) => event === 'serving' && resolve())
    node.once('close', () => reject(new Error(`the node has ended: ${said}`)))
  })
  await using asked = new Client({ addresses: [client], deadlineMs: 30_000 })
  t.match(await asked.call({ command: 'found_cluster' }), { outcome: 'done' })
  await asked.set('a', '1')
  t.equal(await asked.get('a'), '1')
  t.equal(statSync(join(data, 'n1', 'wal')).uid, user, 'it is not root')
  node.kill('SIGTERM')
  t.same(await ended, [0, null], 'it ends by itself when it is told to stop')
})
