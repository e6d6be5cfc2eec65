/** Records golden lines for what has none so far. A line that is there is never changed: see README.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { linesNow } from './lines.js'

const path = fileURLToPath(new URL('../../../test/golden/wire.ndjson', import.meta.url))
const there = existsSync(path) ? readFileSync(path, 'utf8') : ''
const names = there.split('\n').flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { name: string }).name]))
const added = [...linesNow()].filter(([name]) => !names.includes(name))
writeFileSync(path, there + added.map(([name, base64]) => `${JSON.stringify({ name, base64 })}\n`).join(''))
console.log(`${added.length} lines were added to test/golden/wire.ndjson`)
