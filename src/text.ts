/** So much of a text that somebody else wrote is shown in a sentence, in UTF-16 code units. */
const shownLength = 200

/**
 * Characters that a terminal obeys, or that change how their neighbours look: controls (C0, DEL, C1), marks of
 * direction and other invisible ones, line and paragraph separators, halves of surrogate pairs. Two joiners are letters
 * of some scripts, and stay.
 */
const unsafe = /(?!\u200c|\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u
const allUnsafe = new RegExp(unsafe, 'gu')
const allUnsafeInLines = /(?!\u200c|\u200d|\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Each character that could harm a terminal or a log, as JSON writes it: `\u001b`. So JSON stays the same JSON. */
export function escaped(text: string): string {
  return unsafe.test(text) ? text.replaceAll(allUnsafe, escapeOne) : text
}

/** As {@link escaped}, but the ends of lines stay. */
export function escapedLines(text: string): string {
  return text.replaceAll(allUnsafeInLines, escapeOne)
}

function escapeOne(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}

/** The beginning of a text, and how long it was if that is not all. */
export function shortened(text: string, length = shownLength): string {
  return text.length <= length ? text : `${beginning(text, length)}… (${text.length} characters)`
}

/** A cut between the halves of a character would leave one half behind. */
function beginning(text: string, length: number): string {
  return text.slice(0, /[\ud800-\udbff]/.test(text[length - 1]!) ? length - 1 : length)
}

/** A text of somebody else as one line that can be shown: cut, then escaped. */
export function oneLine(text: string, length = shownLength): string {
  return escaped(shortened(text, length))
}

/** A value of somebody else in quotation marks, cut and escaped, to be repeated in a sentence. */
export function quoted(value: unknown, length = shownLength): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value !== 'string') return String(value)
  if (value.length <= length) return jsonLine(value)
  return `${jsonLine(`${beginning(value, length)}…`)} (${value.length} characters)`
}

/** A value as one line of JSON that is safe to be looked at in a terminal. */
export function jsonLine(value: unknown): string {
  return escaped(JSON.stringify(value))
}

/** Everything in a value that is text, however deep, as {@link escaped} by the given function. */
export function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map((part) => mapTexts(part, map))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [map(name), mapTexts(part, map)]))
}
