/** Backups where not everybody may have one: over TLS, with a token; and folders that `recover` cannot take. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Client } from '../../client/client.js'
import { tlsFrom } from '../../client/cluster/tls-places.js'
import { verifyBackup } from '../../src/backup/read-backup.js'
import { addToken } from '../../src/server/tokens.js'
import { openLogStore } from '../../src/storage/open-log-store.js'
import { place } from '../helpers/place.js'
import { cli } from '../helpers/running.js'

t.test('backup of a cluster that speaks TLS and demands tokens: an admin has one, and nobody else', async (t) => {
  const { folder, verb, addresses } = await place(t, 3, 'tokens: tokens.json\n')
  const roles = [
    { name: 'admin', role: 'admin', prefixes: [] },
    { name: 'shop', role: 'write', prefixes: [] },
  ] as const
  const tokens = new Map<string, string>()
  for (const one of roles) {
    const token = await addToken(join(folder, 'tokens.json'), one, one.name !== 'admin')
    writeFileSync(join(folder, one.name), `${token}\n`, { mode: 0o600 })
    tokens.set(one.name, token)
  }
  const as = (name: string) => ['--token-file', join(folder, name)]
  t.match(await verb('up', '--tls', ...as('admin')), { code: 0, stderr: '' })
  const certs = join(folder, 'data', 'dev.tls')
  const tls = ['--certs', certs]
  await using client = new Client({ addresses, deadlineMs: 60_000, token: tokens.get('admin'), ...tlsFrom(certs) })
  await client.set('a', '1')
  await client.set('b', '2')

  const file = join(folder, 'monday.ndjson')
  const backup = (...args: string[]) => cli(['backup', file, '--connect', addresses.join(), ...args])
  t.match(await backup(...tls, ...as('shop')), {
    code: 1,
    stdout: /refused permission_denied.*the role admin.*no backup was written/,
  })
  t.match(await backup(...tls), { code: 1, stdout: /refused unauthenticated.*no backup was written/ })
  t.match(await backup(...as('admin')), { code: 1, stdout: /speaks TLS.*no backup was written/ })
  t.notOk(existsSync(file))
  t.match(await backup(...tls, ...as('admin')), { code: 0, stderr: '' })
  t.match(await cli(['verify', file]), { code: 0, stdout: /whole.*2 lines/ })
  const other = file.replace('monday', 'tuesday')
  const environment = { RAFT_ROADMAP_CERTS: certs, RAFT_ROADMAP_TOKEN: tokens.get('admin')! }
  t.match(await cli(['backup', other, '--connect', addresses.join()], '', environment), { code: 0, stderr: '' })
  t.equal((await verifyBackup(other)).entries, 2)
})

t.test('recover says at once that it cannot take a log in LevelDB, and changes nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const log = openLogStore('level', folder, { cluster: 'orders', node: 'n1' })
  await log.open()
  await log.close()
  const before = readdirSync(folder, { recursive: true })
  const said = { code: 2, stdout: '', stderr: /in LevelDB.*nothing was changed.*`backup FILE --data-dir / }
  for (const args of [
    ['--data-dir', folder],
    ['--data-dir', folder, '--i-accept-data-loss'],
    ['--compare', folder],
  ])
    t.match(await cli(['recover', ...args]), said, args.join(' '))
  t.same(readdirSync(folder, { recursive: true }), before)
})
