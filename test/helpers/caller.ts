/** A client in a process of its own, which writes again and again, and tells of each outcome over its channel. */
import { Client } from '../../client/client.js'

const { addresses, deadlineMs } = JSON.parse(process.argv[2]!) as { addresses: string[]; deadlineMs: number }
const client = new Client({ addresses, deadlineMs })
process.on('disconnect', () => process.exit())
for (let value = 1; ; value++) {
  const { outcome } = await client.call({ command: 'set', key: 'k', value: String(value) })
  process.send!(outcome, () => {})
}
