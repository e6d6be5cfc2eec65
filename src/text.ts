/** UTF-16 units of another's text that a sentence shows at most. */
const shownLength = 200

/**
 * Characters that a terminal obeys, or that change how their neighbours look. They are controls (C0, DEL, C1), marks of
 * direction and other invisible ones, line and paragraph separators, and halves of surrogate pairs. Two joiners are
 * letters of some scripts, and stay.
 */
const unsafe = /(?!\u200c|\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u
/** Characters that need a closer look: all but the printable ones of ASCII, which is the quick thing to ask. */
const unusual = /[^ -~]/
const allUnsafe = new RegExp(unsafe, 'gu')
const allUnsafeInLines = /(?!\u200c|\u200d|\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/**
 * Escapes each character that could harm a terminal or a log, as JSON writes it: `\u001b`. So JSON stays the same JSON.
 */
export function escaped(text: string): string {
  return unusual.test(text) && unsafe.test(text) ? text.replaceAll(allUnsafe, escapeOne) : text
}

/** Escapes a text as {@link escaped} does, but keeps the ends of lines. */
export function escapedLines(text: string): string {
  return text.replaceAll(allUnsafeInLines, escapeOne)
}

function escapeOne(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}

/** Shortens a text to its beginning, and adds its length if that is not all. */
export function shortened(text: string, length = shownLength): string {
  return text.length <= length ? text : `${beginning(text, length)}… (${text.length} characters)`
}

/** Cuts a text, but never between the halves of a character, which would leave one half behind. */
export function beginning(text: string, length: number): string {
  return text.slice(0, /[\ud800-\udbff]/.test(text[length - 1]!) ? length - 1 : length)
}

/** Turns another's text into one line that can be shown: cut, then escaped. */
export function oneLine(text: string, length = shownLength): string {
  return escaped(shortened(text, length))
}

/** Puts another's value in quotation marks, cut and escaped, to be repeated in a sentence. */
export function quoted(value: unknown, length = shownLength): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value !== 'string') return String(value)
  if (value.length <= length) return jsonLine(value)
  return `${jsonLine(`${beginning(value, length)}…`)} (${value.length} characters)`
}

/** Writes a value as one line of JSON that is safe to be looked at in a terminal. */
export function jsonLine(value: unknown): string {
  return escaped(JSON.stringify(value))
}

/** Maps every text in a value, however deep, names of fields too. */
export function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map((part) => mapTexts(part, map))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [map(name), mapTexts(part, map)]))
}
