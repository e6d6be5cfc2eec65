/** Data that leaves for etcd and comes back, by the commands that a person types. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import { EtcdApi } from '../../client/engine/etcd/api.js'
import { writeAll } from '../../client/engine/etcd/transfer.js'
import { backupLines, verifyBackup } from '../../src/backup/read-backup.js'
import { etcdOnly, startEtcd } from '../helpers/etcd.js'
import { place } from '../helpers/place.js'
import { cli } from '../helpers/running.js'

/** The lines of a backup between its first and its last. */
async function linesIn(file: string): Promise<string> {
  let text = ''
  for await (const lines of backupLines(file)) text += lines
  return text
}

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const large = 'é'.repeat(512 * 1024)
const pairs: readonly (readonly [string, string])[] = [
  ...Array.from({ length: 300 }, (_, at) => [`k${String(at).padStart(3, '0')}`, `v${at}`] as const),
  ['large', large],
  ['line\n"', '{"a":\u2028}'],
  ['none', ''],
  ['z\uffee', 'before a surrogate, in the order of bytes'],
  ['z\u{1f600}', '\u{1f600}'],
]

t.test('ours, etcd, and ours again: the same entries', etcdOnly, async (t) => {
  const [{ folder, path, verb, addresses }, etcd] = await Promise.all([place(t, 3), startEtcd(t, 1)])
  t.match(await verb('up'), { code: 0 })
  await using client = new Client({ addresses, deadlineMs: 60_000 })
  await Promise.all(pairs.map(([key, value]) => client.set(key, value)))
  const at = ['--engine', 'etcd', '--connect', etcd.addresses.join()]
  const [out, back] = [join(folder, 'out.ndjson'), join(folder, 'back.ndjson')]

  t.match(await cli(['backup', out, '--connect', addresses.join()]), { code: 0 })
  const into = await cli(['restore', out, ...at])
  t.match(into, {
    code: 0,
    stderr: '',
    stdout: `etcd holds what ${out} holds, and no more: ${pairs.length} entries, read back`,
  })
  t.equal(await etcd.client.get('large'), large)
  t.match(await cli(['restore', out, ...at]), { code: 0, stdout: `${pairs.length} of them there before` })

  t.match(await cli(['backup', back, ...at]), { code: 0, stdout: /has etcd as it was at revision \d+: 305 lines/ })
  t.match(await cli(['verify', back]), { code: 0, stdout: /whole/ })
  const { header } = await verifyBackup(back)
  t.match(header, { application: 'key-value', engine: 'etcd', cluster: 'etcd', origin: /^[0-9a-f]+$/, term: /\d/ })
  t.ok((await linesIn(out)) === (await linesIn(back)), 'line by line')

  await verb('down')
  const other = path.replace('cluster.yaml', 'new.yaml')
  writeFileSync(other, readFileSync(path, 'utf8').replace('nodes:', 'dataDir: new\nnodes:'))
  t.teardown(() => cli(['down', '--config', other]))
  t.match(await cli(['restore', back, '--config', other]), { code: 0 })
  t.match(await cli(['up', '--config', other]), { code: 0 })
  const last = join(folder, 'last.ndjson')
  t.match(await cli(['backup', last, '--connect', addresses.join()]), { code: 0 })
  t.ok((await linesIn(last)) === (await linesIn(out)), 'each key, in the order of bytes')
})

t.test('a restore that was cut off goes on; an etcd that holds anything else is left alone', etcdOnly, async (t) => {
  const { addresses, client } = await startEtcd(t, 1)
  const folder = folderOf(t)
  const at = ['--engine', 'etcd', '--connect', addresses.join()]
  await writeAll(addresses, pairs)
  const file = join(folder, 'whole.ndjson')
  t.match(await cli(['backup', file, ...at]), { code: 0 })
  for (const [key] of pairs.slice(200)) await client.delete(key)
  const goesOn = await cli(['restore', file, ...at, '--json'])
  t.match(goesOn, { code: 0, stdout: /"event":"restored_into".*"entries":305,"found":200/ })
  await client.set('k100', 'other')
  const refused = await cli(['restore', file, ...at])
  t.match(refused, {
    code: 1,
    stdout: /refused not_empty: etcd holds 305 keys already, "k100" among them.*nothing was written/,
  })
  t.equal(await client.get('k100'), 'other')
  await client.set('k100', 'v100')
  await client.set('~~', 'more')
  t.match(await cli(['restore', file, ...at]), { code: 1, stdout: /not_empty.*"~~" among them/ })
  await t.rejects(writeAll(addresses, [...pairs, ['~~', 'more'], ['~~~', '\ud800']]), { code: 'not_text' })
})

t.test('entries that our nodes could not hold are named, and no backup is written', etcdOnly, async (t) => {
  const { addresses, client } = await startEtcd(t, 1)
  const folder = folderOf(t)
  const at = ['--engine', 'etcd', '--connect', addresses.join()]
  const file = join(folder, 'x.ndjson')
  const api = new EtcdApi(addresses[0]!)
  t.teardown(() => api.close())
  const refuses = async (key: Buffer, value: Buffer, stdout: RegExp) => {
    await api.ask('KV.Put', { key, value })
    t.match(await cli(['backup', file, ...at]), { code: 1, stdout }, String(stdout))
    t.match(await cli(['verify', file]), { code: 2, stderr: /there is no file/ })
    await api.ask('KV.DeleteRange', { key })
  }
  await client.set('a', '1')
  const [binary, key] = [Buffer.of(0xff, 0xfe, 0), Buffer.from('b')]
  await refuses(
    key,
    binary,
    /refused not_text: the value of "b" in etcd is no text in UTF-8: fffe00.*no backup was written/,
  )
  await refuses(binary, key, /refused not_text: a key in etcd is no text in UTF-8: fffe00/)
  await refuses(key, Buffer.alloc(1024 * 1024 + 1, 'x'), /refused too_large: the value of the key "b".*1048576 bytes/)
  await refuses(Buffer.alloc(4097, 'k'), key, /refused too_large: the key "kkk.*4096 bytes/)
})

t.test('options that do not go with etcd are refused before anything is asked', async (t) => {
  const folder = folderOf(t)
  const file = join(folder, 'x.ndjson')
  const bad: readonly (readonly [readonly string[], RegExp])[] = [
    [['backup', file, '--certs', folder], /cannot be read.*certificate_unreadable/],
    [['backup', file, '--token-file', file], /--token-file/],
    [['backup', file, '--data-dir', folder], /--data-dir/],
    [['backup', file, '--reads', 'stale'], /--reads stale/],
    [['restore', file, '--config', file], /goes --connect: options of files and folders are for our nodes/],
    [['restore', file, '--data-dir', folder], /goes --connect: options of files and folders are for our nodes/],
    [['client', '--certs', folder, 'get', 'a'], /cannot be read.*certificate_unreadable/],
  ]
  for (const [[verb, ...args], stderr] of bad)
    t.match(await cli([verb!, '--engine', 'etcd', ...args]), { code: 2, stdout: '', stderr }, String(stderr))
})
