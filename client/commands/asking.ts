import { createInterface } from 'node:readline'
import { colour } from '../text/colour.js'

/** Shows a question and reads the line that answers it; null when no more lines come. */
export type Ask = (question: string) => Promise<string | null>

/** Runs a task that asks a person questions, and leaves standard input alone afterwards. */
export async function asking<T>(task: (ask: Ask) => Promise<T>): Promise<T> {
  const lines = createInterface({ input: process.stdin })
  const answers = lines[Symbol.asyncIterator]()
  try {
    return await task(async (question) => {
      console.log(colour.dim(`  ${question}:`))
      const { value, done } = await answers.next()
      return done ? null : value
    })
  } finally {
    lines.close()
  }
}
