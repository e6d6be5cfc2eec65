import { type Application, commandLine, jsonCommands, nodeProcess, shape } from 'raft-roadmap/server'
import { z } from 'zod'

const commands = {
  add: shape('add', { amount: z.int().min(1) }, { help: 'add to the number; says what it comes to', readOnly: false }),
  total: shape('total', {}, { help: 'what the number is', readOnly: true }),
}

const counter: Application = {
  name: 'counter',
  commands,
  codec: jsonCommands(commands),
  machine() {
    let total = 0
    const answer = () => ({ ok: true as const, total })
    return {
      async apply(batch) {
        return batch.map(({ amount }) => {
          total += Number(amount)
          return answer()
        })
      },
      async query(batch) {
        return batch.map(answer)
      },
      async snapshot() {
        const line = `${total}\n`
        return (async function* () {
          yield line
        })()
      },
      async restore(body) {
        for await (const line of body) total = Number(line)
      },
      contents: () => new Map([['total', String(total)]]),
    }
  },
}

const words = process.argv.slice(2)

// A node's process is this file, too: its configuration is the first word.
if (words[0]?.startsWith('{')) await nodeProcess(counter)
else
  await commandLine(
    { application: counter, name: 'counter', about: 'A replicated counter.', entry: new URL(import.meta.url) },
    words,
  )
