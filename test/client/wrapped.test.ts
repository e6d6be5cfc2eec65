import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { columnsOf, wrapped } from '../../client/text/wrapped.js'

t.test('sentences are broken between words, and no word is lost', async (t) => {
  const word = fc.stringMatching(/^[a-z0-9:,.]{1,12}$/)
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 20, max: 100 }),
      (words, columns) => {
        const lines = wrapped(words.join(' '), columns).split('\n')
        const isNarrow = lines.every((line) => line.length <= columns)
        return isNarrow && lines.join(' ').split(/ +/).join(' ') === words.join(' ')
      },
    ),
  )
  t.equal(wrapped('short enough'), 'short enough')
  t.equal(wrapped(`a ${'x'.repeat(30)} b`, 20), `a\n    ${'x'.repeat(30)}\n    b`, 'a long word stays whole')
})

t.test('colours take no room, and lines that fit stay as they are', async (t) => {
  const red = '\u001b[31m'
  const text = `${red}${'ab '.repeat(26).trim()}\u001b[39m\n  indented   as it was`
  t.equal(wrapped(text), text)
  const long = wrapped(`${red}${'abc '.repeat(40).trim()}\u001b[39m`)
  t.ok(long.split('\n').every((line) => stripVTControlCharacters(line).length <= 80))
})

t.test('the columns of an output: its own, or 80 where it has none or says 0', async (t) => {
  t.equal(columnsOf({ columns: 100 }), 100)
  t.equal(columnsOf({}), 80)
  t.equal(columnsOf({ columns: 0 }), 80)
  t.equal(columnsOf({}, 200), 200)
})
