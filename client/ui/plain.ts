import { stripVTControlCharacters } from 'node:util'
import { ConfigError } from '../../src/errors.js'
import { UsageError } from '../text/words.js'
import type { Performed } from './protocol.js'

/** Takes the colours of a terminal from a text. */
export const plainAnswer = (text: string) => stripVTControlCharacters(text).trim()

/** Performs a line; what is wrong with it becomes the answer. */
export async function performed(perform: () => Promise<Performed>): Promise<Performed> {
  try {
    return await perform()
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ConfigError)) throw error
    return { ok: false, text: plainAnswer(error.message) }
  }
}
