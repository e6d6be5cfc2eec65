import t from 'tap'
import { textFormat } from '../src/contracts.js'
import { bodyOf, sectionsOf } from '../src/snapshot-sections.js'
import membership from '../stages/8-membership/stage.js'
import { nodeOptions } from './helpers/core.js'

async function* pieces(...texts: string[]) {
  yield* texts
}

async function all(body: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of body) text += piece
  return text
}

const application = '["a","1"]\n["b","2"]\n'
const kept = [{ session: 'x', at: 7 }, ['anything'], null]

t.test('first what the rules keep, then what the application holds', async (t) => {
  const text = await all(bodyOf({ kept, application: pieces(application) }, 'key-value'))
  t.equal(
    text,
    '{"section":"rules","lines":3}\n{"session":"x","at":7}\n["anything"]\nnull\n' +
      `{"section":"application","name":"key-value"}\n${application}`,
  )
  const lines = text.split(/(?<=\n)/)
  for (const cut of [[text], lines, [lines.slice(0, 2).join(''), '', lines.slice(2).join('')]]) {
    const sections = await sectionsOf(pieces(...cut), 'key-value', textFormat)
    t.same(sections.kept, kept)
    t.equal(await all(sections.application), application)
  }
})

t.test('nothing at all is two sections, too', async (t) => {
  const text = await all(bodyOf({ kept: [], application: pieces() }, 'key-value'))
  const sections = await sectionsOf(pieces(text), 'key-value', textFormat)
  t.same([sections.kept, await all(sections.application)], [[], ''])
})

t.test('the first form has no sections: all of it is the application’s', async (t) => {
  const sections = await sectionsOf(pieces(application), 'key-value', undefined)
  t.same([sections.kept, await all(sections.application)], [[], application])
})

t.test('what is no such body is refused', async (t) => {
  const rules = '{"section":"rules","lines":1}\n'
  const bodies: [string, unknown, RegExp][] = [
    [application, 4, /of format 4, which a later version wrote/],
    [application, textFormat, /no section of the rules/],
    [rules, textFormat, /ends before its sections do/],
    [`${rules}1\n`, textFormat, /ends before its sections do/],
    [`${rules}1\n2\n`, textFormat, /no section of the application/],
    [
      `${rules}1\n{"section":"application","name":"counter"}\n`,
      textFormat,
      /application counter, and not of key-value/,
    ],
  ]
  for (const [text, format, message] of bodies)
    await t.rejects(sectionsOf(pieces(text), 'key-value', format), { message }, text)
})

t.test('who leaves the application’s section before its end closes the body', async (t) => {
  let isClosed = false
  async function* body() {
    try {
      yield '{"section":"rules","lines":0}\n{"section":"application","name":"x"}\n1\n'
      yield '2\n'
    } finally {
      isClosed = true
    }
  }
  const sections = await sectionsOf(body(), 'x', textFormat)
  for await (const _ of sections.application) break
  t.ok(isClosed)
})

t.test('what only a later stage keeps in a snapshot is not lost in silence', async (t) => {
  const core = membership.create(nodeOptions('n1'))
  t.same(core.kept(), [])
  core.restored([])
  t.throws(() => core.restored([{ session: 'x' }]), /a later stage keeps/)
})
