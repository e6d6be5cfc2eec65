import type { Delay } from '../../network/faults.js'
import { isFaultWord, parseFault } from '../../server/faults.js'
import { expand } from './cast.js'
import { parseExpectations } from './expectation.js'
import type { Call, Change, HandOver, Raw, Statement } from './scenario.js'

/** The forms of a line, as an error shows them. */
const forms = {
  delay: '`delay 1..50ms` or `delay off`',
  wait: '`wait 200ms` or `wait 2s`',
  load: '`load 10 clients 30 calls [over 20s] [&] [-> no call lost]`',
  chance: '`lose 10%` or `double 10%`',
  name: '`old = leader` or `x y = 2 followers`',
  leadership:
    '`one leader within 5s`, `new leader within 5s`, `no leader known within 5s`, `same leader` or `no leader`',
  hold: '`all hold KEY VALUE [within 5s]` or `all hold KEY (absent) [within 5s]`',
  uncommitted: '`uncommitted on a majority within 5s`',
  logs: '`logs under 80 entries`',
  snapshot: '`n3 has a snapshot within 5s`',
  change: '`add n6 [&] [-> done]`, `remove n5 [force] [&] [-> done]` or `reconfigure n1 n2 n6 [force] [&] [-> done]`',
  handOver: '`hand over [to n3] [&] [-> done]`',
  members: '`voters n1 n2 n3 [within 5s]`, `learners n6 [within 5s]` or `change under way [within 5s]`',
  raw: "`r1 sends '…' [one byte at a time]`, `r1 ends`, `r1 receives {…}` or `r1 is closed`",
  call: '`c1 set a 1 [{"sequence":1}] [@n3] [&] [-> done]`',
  opens: '`c1 opens a session`',
}
const anything =
  'a line is a # comment, a fault word, delay, lose, double, wait, settle, all equal, all hold, uncommitted on a majority, load, linearizable, ' +
  `repeat … end, ${forms.leadership}, ${forms.logs}, ${forms.snapshot}, ${forms.change}, ${forms.handOver}, ${forms.members}, a name such as ${forms.name}, a call such as ${forms.call}, ${forms.opens}, ` +
  `or a bare connection's ${forms.raw}`

/** A parsed line, without its number; `repeat` and `end` span lines and are parsed elsewhere. */
type Said = Statement extends infer S ? (S extends unknown ? Omit<S, 'line' | 'text'> : never) : never

/** Parses one line of a script. @throws Error that says what would be right */
export function parseStatement(text: string): Said {
  const word = text.split(/\s+/, 1)[0]!
  if (text.startsWith('#')) return { kind: 'comment' }
  if (text === 'settle' || text === 'all equal' || text === 'linearizable') return { kind: text }
  if (/^[a-z ]+=/.test(text)) return parseName(text)
  if (isFaultWord(word)) return parseFaultLine(text)
  if (word === 'add' || word === 'remove' || word === 'reconfigure') return parseChange(word, text)
  if (word === 'hand') return parseHandOver(text)
  if (word === 'voters' || word === 'learners') return parseMembers(word, text)
  if (word === 'change') return parseUnderWay(text)
  if (word === 'all') return parseHold(text)
  if (word === 'uncommitted') return parseUncommitted(text)
  if (word === 'lose' || word === 'double') return parseChance(word, text)
  if (/^\w+ leader\b/.test(text)) return parseLeadership(text)
  if (word === 'logs') return parseLogs(text)
  if (/^\w+ has\b/.test(text)) return parseSnapshot(text)
  if (word === 'delay') return { kind: 'delay', delay: parseDelay(text) }
  if (word === 'wait') return { kind: 'wait', ms: parseTime(text.slice(5)) ?? fail(text, forms.wait) }
  if (word === 'load') return parseLoad(text)
  if (/^r\d+$/.test(word)) return parseRaw(text)
  if (/^c\d+ opens a session$/.test(text)) return { kind: 'opens', client: word }
  if (/^c\d+$/.test(word)) return parseCall(text)
  return fail(text, anything)
}

function fail(text: string, right: string): never {
  throw new Error(`not understood: ${JSON.stringify(text)}; ${right}`)
}

function parseFaultLine(text: string): Said {
  const fault = parseFault(text)
  if ('problem' in fault) throw new Error(fault.problem)
  return { kind: 'fault', fault }
}

/** Milliseconds of a day, the longest time that a script may name; every timer can hold it. */
const longestMs = 86_400_000

/** Parses a time such as `200ms` or `2s` to milliseconds; null for anything else. */
export function parseTime(text: string): number | null {
  const [, number, unit] = /^(\d+)(ms|s)$/.exec(text.trim()) ?? []
  const ms = Number(number) * (unit === 's' ? 1000 : 1)
  return ms <= longestMs ? ms : null
}

/** Parses the time behind a `within`; 0 without one, which means at once. */
function parseWithin(time: string | undefined, text: string, form: string): number {
  return time === undefined ? 0 : (parseTime(time) ?? fail(text, form))
}

function parseDelay(text: string): Delay {
  if (text === 'delay off') return null
  const [, from, to] = /^delay (\d+)\.\.(\d+)ms$/.exec(text) ?? fail(text, forms.delay)
  if (Number(from) > Number(to)) fail(text, 'the shorter delay comes first')
  return { minMs: Number(from), maxMs: Number(to) }
}

function parseLoad(text: string): Said {
  const form = /^load (\d+) clients (\d+) calls(?: over (\w+))?( &)?( -> no call lost)?$/
  const [, clients, calls, over, background, whole] = form.exec(text) ?? fail(text, forms.load)
  const overMs = over === undefined ? 0 : (parseTime(over) ?? fail(text, forms.load))
  const counts = { clients: Number(clients), calls: Number(calls) }
  return { kind: 'load', ...counts, overMs, background: background !== undefined, isWhole: whole !== undefined }
}

function parseChance(kind: 'lose' | 'double', text: string): Said {
  const [, percent] = /^\w+ (\d+)%$/.exec(text) ?? fail(text, forms.chance)
  return { kind, part: Number(percent) / 100 }
}

function parseName(text: string): Said {
  const [names, words] = text.split('=', 2).map((side) => side.trim().split(/\s+/)) as [string[], string[]]
  if (words[0] === '' || expand(words).length !== names.length) fail(text, `as many names as nodes: ${forms.name}`)
  return { kind: 'name', names, words }
}

function parseLeadership(text: string): Said {
  if (text === 'same leader' || text === 'no leader') return { kind: text }
  const form = /^(one leader|new leader|no leader known) within (\w+)$/
  const [, kind, time] = form.exec(text) ?? fail(text, forms.leadership)
  const withinMs = parseTime(time!) ?? fail(text, forms.leadership)
  return { kind: kind as 'one leader' | 'new leader' | 'no leader known', withinMs }
}

function parseLogs(text: string): Said {
  const [, entries] = /^logs under (\d+) entries$/.exec(text) ?? fail(text, forms.logs)
  return { kind: 'logs under', entries: Number(entries) }
}

function parseSnapshot(text: string): Said {
  const [, word, time] = /^(\w+) has a snapshot within (\w+)$/.exec(text) ?? fail(text, forms.snapshot)
  return { kind: 'has a snapshot', word: word!, withinMs: parseTime(time!) ?? fail(text, forms.snapshot) }
}

function parseChange(change: Change['change'], text: string): Said {
  const form = /^\w+((?: \w+)+?)( force)?( &)?(?:\s+->\s*(.*))?$/
  const [, names, force, background, expected] = form.exec(text) ?? fail(text, forms.change)
  const words = names!.trim().split(' ')
  if (change !== 'reconfigure' && expand(words).length > 1) fail(text, forms.change)
  return {
    kind: 'change',
    change,
    words,
    isForced: force !== undefined,
    background: background !== undefined,
    expected: expected === undefined ? [] : parseExpectations(expected),
  }
}

function parseHandOver(text: string): HandOver {
  const form = /^hand over(?: to (\w+))?( &)?(?:\s+->\s*(.*))?$/
  const [, name, background, expected] = form.exec(text) ?? fail(text, forms.handOver)
  return {
    kind: 'hand over',
    words: name === undefined ? [] : [name],
    background: background !== undefined,
    expected: expected === undefined ? [] : parseExpectations(expected),
  }
}

function parseMembers(kind: 'voters' | 'learners', text: string): Said {
  const [, names, within] = /^\w+((?: \w+)+?)(?: within (\w+))?$/.exec(text) ?? fail(text, forms.members)
  return { kind, words: names!.trim().split(' '), withinMs: parseWithin(within, text, forms.members) }
}

function parseUnderWay(text: string): Said {
  const [, within] = /^change under way(?: within (\w+))?$/.exec(text) ?? fail(text, forms.members)
  return { kind: 'change under way', words: [], withinMs: parseWithin(within, text, forms.members) }
}

function parseUncommitted(text: string): Said {
  const [, within] = /^uncommitted on a majority within (\w+)$/.exec(text) ?? fail(text, forms.uncommitted)
  return { kind: 'uncommitted on a majority', withinMs: parseWithin(within, text, forms.uncommitted) }
}

function parseHold(text: string): Said {
  const [, key, value, within] = /^all hold (\S+) (.+?)(?: within (\w+))?$/.exec(text) ?? fail(text, forms.hold)
  return {
    kind: 'all hold',
    key: key!,
    value: value === '(absent)' ? null : value!,
    withinMs: parseWithin(within, text, forms.hold),
  }
}

/** Parses a call. `-> ` begins the expectation, unless it stands in quotes; `{` begins fields beside the command. */
function parseCall(text: string): Call {
  const [, asked, expected] = /^((?:"(?:[^"\\]|\\.)*"|[^"])*?)(?:\s+->\s*(.*))?$/.exec(text) ?? fail(text, forms.call)
  const form = /^(\w+)\s+(.*?)(?:\s+(\{.*\}))?(\s+@\w+)?(\s+&)?$/
  const [, client, words, fields = '{}', pin = '', background] = form.exec(asked!) ?? fail(text, forms.call)
  return {
    kind: 'call',
    client: client!,
    words: `${words}${pin}`,
    fields: parseFields(fields),
    background: background !== undefined,
    expected: expected === undefined ? [] : parseExpectations(expected),
  }
}

function parseFields(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    throw new Error(`fields beside a command are a JSON object, which this is not: ${text}`)
  }
}

function parseRaw(text: string): Raw {
  const [, connection, verb, rest] = /^(r\d+)\s+(sends|ends|receives|is closed)\b\s*(.*)$/.exec(text) ?? []
  if (verb === 'ends' && rest === '') return { kind: 'ends', connection: connection! }
  if (verb === 'is closed' && rest === '') return { kind: 'is closed', connection: connection! }
  if (verb === 'receives') return { kind: 'receives', connection: connection!, message: parseMessage(rest!) }
  const [, printf, bytewise] = /^'([^']*)'(\s+one byte at a time)?$/.exec(rest ?? '') ?? fail(text, forms.raw)
  return {
    kind: 'sends',
    connection: connection!,
    printf: printf!,
    bytes: decodePrintf(printf!),
    bytewise: bytewise !== undefined,
  }
}

function parseMessage(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new Error(`what is received is a JSON object, which this is not: ${text}`)
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\' }

/**
 * Decodes bytes as `printf` of any shell takes them, so that a line of a script can be typed in a shell: `\n`, `\r`,
 * `\303`.
 */
function decodePrintf(text: string): Uint8Array {
  const parts = text.split(/(\\[0-7]{3}|\\.|\\$|%)/)
  return Buffer.concat(
    parts.map((part) => {
      if (part === '%') throw new Error('printf takes % for something else; write \\045')
      if (!part.startsWith('\\')) return Buffer.from(part)
      if (part.length === 4) return Buffer.from([Number.parseInt(part.slice(1), 8)])
      const byte = escapes[part.slice(1)]
      if (byte === undefined) throw new Error(`there is no escape ${part}; there are \\n \\r \\t \\\\ and octal \\303`)
      return Buffer.from(byte)
    }),
  )
}
