import t from 'tap'
import { escaped, escapedLines, jsonLine, mapTexts, oneLine, quoted, shortened } from '../src/text.js'

const harmful = [
  ...Array.from({ length: 0x20 }, (_, at) => String.fromCharCode(at)),
  ...Array.from({ length: 0x21 }, (_, at) => String.fromCharCode(0x7f + at)),
  ...'\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u2028\u2029\ufeff\u00ad\u200b',
  '\ud800',
  '\udfff',
  '\u{e0041}',
]

t.test('nothing that a terminal obeys, or that hides, is left in a text', async (t) => {
  for (const character of harmful) {
    const text = escaped(`a${character}b`)
    t.match(text, /^a(\\u[0-9a-f]{4})+b$/, text)
    t.equal(JSON.parse(`"${text}"`), `a${character}b`, 'and JSON reads it back')
  }
  t.equal(escaped('über 日本 👨‍👩‍👧 نمی‌خواهم "x" \\'), 'über 日本 👨‍👩‍👧 نمی‌خواهم "x" \\', 'words stay')
  t.equal(escapedLines('one\ntwo\r\x1b[2J'), 'one\ntwo\\u000d\\u001b[2J', 'lines may stay')
})

t.test('a long text is cut, never through a character', async (t) => {
  t.equal(shortened('x'.repeat(200)), 'x'.repeat(200))
  t.equal(shortened('x'.repeat(201)), `${'x'.repeat(200)}… (201 characters)`)
  t.equal(shortened('ab😀', 3), 'ab… (4 characters)')
  t.equal(oneLine('a\n\x9b31m', 3), 'a\\u000a\\u009b… (6 characters)')
})

t.test('a value of somebody else in a sentence', async (t) => {
  t.equal(quoted('a "b"\u202e'), '"a \\"b\\"\\u202e"')
  t.equal(quoted('x'.repeat(8_000_000)), `"${'x'.repeat(200)}…" (8000000 characters)`)
  t.equal(quoted(['x']), 'a list')
  t.equal(quoted({ x: 1 }), 'an object')
  for (const value of [5, null, undefined, true]) t.equal(quoted(value), String(value))
})

t.test('JSON stays the same JSON', async (t) => {
  const value = { 'k\x9b\u202e': harmful.join(''), list: ['\x7f'] }
  t.same(JSON.parse(jsonLine(value)), value)
  t.notMatch(jsonLine(value), /[\u007f-\u009f\u202e]/)
  t.same(
    mapTexts({ a: ['b', 1, null, { c: 'd' }] }, (text) => text.toUpperCase()),
    { A: ['B', 1, null, { C: 'D' }] },
  )
})
