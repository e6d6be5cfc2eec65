/** Certificates of nodes: the names in them, and what may be wrong with them at a start. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { bearersIn, checkTexts, readTexts, type TlsFiles, uriOf } from '../../src/network/certificates.js'
import { authority, certificate, stranger, tlsOf } from '../helpers/certificates.js'
import type { Happened } from '../helpers/happened.js'

const n1 = { cluster: 'test', kind: 'nodes', name: 'n1' } as const
const hourMs = 60 * 60 * 1_000
const dayMs = 24 * hourMs

t.test('a cluster of any name is found again in a certificate', async (t) => {
  for (const cluster of ['test', 'vectors:orders', 'it\'s, "mine"/URI:x', 'größe 东', '%2F', ' ']) {
    const files = await certificate({ cluster })
    const { bearers } = checkTexts(readTexts(files), { ...n1, cluster }, Date.now())
    t.same(bearers, [{ ...n1, cluster }], cluster)
  }
})

t.test('a name that only looks as one of ours is none', async (t) => {
  const inQuotes = `DNS:"x, ${`URI:${uriOf(n1)}`}", DNS:y`
  t.same(bearersIn(inQuotes), [])
  t.same(bearersIn(`DNS:"\\", URI:${uriOf(n1)}"`), [])
  t.same(bearersIn('URI:raft-roadmap://test/nodes/'), [])
  t.same(bearersIn('URI:raft-roadmap://%zz/nodes/n1'), [])
  t.same(bearersIn('URI:https://test/nodes/n1, DNS:raft-roadmap://test/nodes/n1'), [])
  t.same(bearersIn(undefined), [])
  t.same(bearersIn(`DNS:a, URI:${uriOf(n1)}, IP Address:::1`), [n1])
})

t.test('what is wrong with a certificate is told by a code, and in a sentence that names the file', async (t) => {
  const good = await certificate({})
  const other = await certificate({ name: 'n2' })
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const now = Date.now()
  const wrong: Record<string, readonly [TlsFiles, RegExp]> = {
    certificate_unreadable: [{ ...good, cert: join(folder, 'n1.crt') }, /cannot be read: ENOENT.*n1\.crt/],
    certificate_malformed: [{ ...good, cert: good.key }, /no PEM certificate/],
    key_malformed: [{ ...good, key: good.cert }, /private key cannot be used/],
    key_mismatch: [{ ...good, key: other.key }, /private key is of another certificate/],
    certificate_untrusted: [await certificate({}, stranger), /not signed by the authority/],
    certificate_expired: [
      await certificate({ until: new Date(now - hourMs), from: new Date(now - dayMs) }),
      /expired, on/,
    ],
    certificate_not_yet_valid: [await certificate({ from: new Date(now + hourMs) }), /is the clock right/],
    certificate_wrong_name: [other, /must have the name URI:raft-roadmap:\/\/test\/nodes\/n1, and it names node "n2"/],
  }
  for (const [code, [files, message]] of Object.entries(wrong))
    t.throws(() => tlsOf('n1', files), { name: 'ConfigError', code, message } as never)
  for (const broken of ['', '-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n'])
    t.throws(() => tlsOf('n1', { ...good, ca: broken === '' ? folder : broken }), { name: 'ConfigError' })
  t.doesNotThrow(() => tlsOf('n1', { ...good, ca: `${stranger.cert}${authority.cert}` }).close())
})

t.test(
  'a certificate that ends soon is told of ahead: in its last month, or the last third of a short life',
  async (t) => {
    const heard: string[] = []
    const notice = ({ event }: { event: string }) => heard.push(event)
    const now = Date.now()
    const ofYear = await certificate({})
    const ofDay = await certificate({ from: new Date(now - 18 * hourMs), until: new Date(now + 6 * hourMs) })
    const early = await certificate({ from: new Date(now - hourMs), until: new Date(now + 23 * hourMs) })
    tlsOf('n1', ofYear, { notice }).close()
    tlsOf('n1', early, { notice }).close()
    t.same(heard, [])
    tlsOf('n1', ofYear, { notice, now: () => now + 340 * dayMs }).close()
    tlsOf('n1', ofDay, { notice }).close()
    t.same(heard, ['certificate_expires', 'certificate_expires'])
  },
)

t.test('a bad certificate that is read again changes nothing, and is told of by its code', async (t) => {
  const heard: Happened[] = []
  const [good, bad] = [await certificate({}), await certificate({ name: 'n2' })]
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const place = { ca: good.ca, cert: join(folder, 'n1.crt'), key: join(folder, 'n1.key') }
  const put = ({ cert, key }: TlsFiles) => {
    writeFileSync(place.cert, cert)
    writeFileSync(place.key, key)
  }
  put(good)
  const tls = tlsOf('n1', place, { notice: (event) => heard.push(event) })
  t.teardown(() => tls.close())
  const before = tls.context
  put(bad)
  t.throws(() => tls.reload(), { code: 'certificate_wrong_name' } as never)
  tls.renew()
  t.equal(tls.context, before)
  put(good)
  tls.renew()
  t.match(heard, [{ event: 'certificate_kept', code: 'certificate_wrong_name' }, { event: 'certificate_renewed' }])
  t.not(tls.context, before)
})
