import fc from 'fast-check'
import t from 'tap'
import { commandPayload, makeEntry, noOp, type Payload, parseEntry, payloadOf } from '../src/contracts.js'

const payload: fc.Arbitrary<Payload> = fc.oneof(
  fc.jsonValue().map((json) => commandPayload(json)),
  fc.uint8Array().map((bytes) => commandPayload(bytes)),
  fc.constant(noOp),
  fc.jsonValue().map((configuration) => ({ kind: 'configuration' as const, configuration })),
  fc.jsonValue().map((session) => ({ kind: 'session' as const, session })),
)

t.test('what an entry holds comes back from its text, and its text is one line', async (t) => {
  fc.assert(
    fc.property(payload, (held) => {
      const entry = makeEntry(3, 2, held)
      t.same(parseEntry(entry.text), entry)
      t.same(payloadOf({ ...entry, payload: null }), held)
      t.notOk(entry.text.includes('\n'))
    }),
  )
})

t.test('the texts: the kind is the name of a field', async (t) => {
  const texts: [Payload, string][] = [
    [commandPayload({ command: 'set', key: 'a', value: '1' }), '"json":{"command":"set","key":"a","value":"1"}'],
    [commandPayload(null), '"json":null'],
    [commandPayload(Uint8Array.of(0, 1, 255)), '"base64":"AAH/"'],
    [noOp, '"no-op":true'],
    [{ kind: 'configuration', configuration: { voters: [] } }, '"configuration":{"voters":[]}'],
    [{ kind: 'session', session: { id: 's' } }, '"session":{"id":"s"}'],
  ]
  for (const [held, text] of texts) t.equal(makeEntry(7, 3, held).text, `{"index":7,"term":3,${text}}`)
  t.throws(() => makeEntry(7, 3, commandPayload(undefined)), /undefined/)
})

t.test('no command of an application is taken for an entry of the cluster', async (t) => {
  for (const command of [{ command: 'no-op' }, { command: 'configuration', voters: [] }, { 'no-op': true }])
    t.same(parseEntry(makeEntry(1, 1, commandPayload(command)).text).payload, { kind: 'command', command })
})

t.test('the first form: a command by its name, and two names were the cluster’s own', async (t) => {
  const held = (command: string) => parseEntry(`{"index":1,"term":1,"command":${command}}`).payload
  t.same(held('{"command":"set","key":"a","value":"1"}'), commandPayload({ command: 'set', key: 'a', value: '1' }))
  t.same(held('{"command":"no-op"}'), noOp)
  t.same(held('{"command":"configuration","origin":"d"}'), { kind: 'configuration', configuration: { origin: 'd' } })
  for (const command of ['null', '7', '[]', '{}', '{"command":7}']) t.throws(() => held(command), /holds nothing/)
})

t.test('a text that is no entry’s is none', async (t) => {
  const holding = (fields: string) => () => parseEntry(`{"index":1,"term":1${fields}}`)
  for (const fields of ['', ',"no-op":false', ',"no-op":{}', ',"base64":7', ',"other":1'])
    t.throws(holding(fields), /holds nothing/, fields)
  for (const text of ['{}', '[]', '7', '{"index":0,"term":1,"json":1}', '{"index":1,"term":0,"json":1}'])
    t.throws(() => parseEntry(text), /not an entry/, text)
})
