/** An application that no stage and nothing in `src/` knows: a number, whose commands are bytes. */
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Application } from '../../src/application.js'
import { shape } from '../../src/command-shape.js'
import type { Command } from '../../src/contracts.js'
import { withApplication } from '../../src/stage.js'
import membership from '../../stages/8-membership/stage.js'

async function* only(line: string) {
  yield line
}

const amount = z.int().min(1).max(255)

const counter: Application = {
  name: 'counter',
  commands: {
    add: shape('add', { amount }, { help: 'add to the number; says what it comes to', readOnly: false }),
    total: shape('total', {}, { help: 'what the number is', readOnly: true }),
  },
  codec: {
    encode: ({ amount = 0 }) => Uint8Array.of(amount as number),
    decode(bytes) {
      if (!(bytes instanceof Uint8Array) || bytes.length !== 1) return null
      return bytes[0] === 0 ? { command: 'total' } : { command: 'add', amount: bytes[0] }
    },
  },
  machine() {
    let total = 0
    const perform = async (batch: readonly Command[]) =>
      batch.map(({ amount = 0 }) => {
        total += amount as number
        return { ok: true as const, total }
      })
    return {
      apply: perform,
      query: perform,
      snapshot: async () => only(`${total}\n`),
      async restore(body) {
        for await (const line of body) total = Number(line)
      },
      contents: () => new Map([['total', String(total)]]),
    }
  },
  proto: fileURLToPath(new URL('../../../test/counter/counter.proto', import.meta.url)),
}

/** Stage 8 with a counter in the place of the key-value store. */
export const counting = withApplication(membership, counter)
