/** The types of the client: right programs compile, and each mistake does not. */
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { root } from '../docs.js'

const file = join(root, 'test/client/a-program.ts')

/** Compiles a program that imports the package by its name. @returns the numbers of the lines with a mistake */
function mistakes(text: string): number[] {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (path) => path === file || fileExists.call(host, path)
  host.readFile = (path) => (path === file ? text : readFile.call(host, path))
  host.getSourceFile = (path, target) =>
    path === file ? ts.createSourceFile(path, text, target) : getSourceFile.call(host, path, target)
  const found = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host))
  return found.map(({ file, start = 0 }) => file!.getLineAndCharacterOfPosition(start).line + 1).sort((a, b) => a - b)
}

const head = `import { type AnyCommands, Client, type CommandOf, type KeyValueCommands } from 'raft-roadmap'
const client = new Client({ addresses: ['127.0.0.1:7001'] })
const { signal } = new AbortController()
`

const right = `
const got = await client.call({ command: 'get', key: 'a', consistency: 'stale' }, { signal, deadlineMs: 10 })
if (got.outcome === 'done') { const value: string | null = got.answer.value; console.log(value) } else console.log(got.error.code)
await client.call({ command: 'cas', key: 'a', expected: null, value: '1' })
await client.call({ command: 'reconfigure', voters: ['n1'] })
for await (const [key, value] of client.scan('a', { pageKeys: 5, signal })) console.log(key.length + value.length)
const { members, leader } = await client.members({ signal })
const role: 'voter' | 'learner' | undefined = members.find(({ id }) => id === leader)?.role
const command: CommandOf<KeyValueCommands> = { command: 'delete', key: 'a' }
console.log(role, (await client.call(command)).outcome)
const any = new Client<AnyCommands>({ addresses: [], application: { nearest: 'read' } })
console.log((await any.call({ command: 'nearest', k: 3 })).outcome)
interface Counting { add: { takes: { amount: number }; gives: { total: number } } }
const counting = new Client<Counting>({ addresses: [] })
const added = await counting.call({ command: 'add', amount: 1 })
if (added.outcome === 'done') console.log(added.answer.total.toFixed()); else if (added.error.code === 'too_much') console.log(added.error.actual)
`

const wrong = [
  `await client.call({ command: 'gett', key: 'a' })`,
  `await client.call({ command: 'get', kye: 'a' })`,
  `await client.call({ command: 'get' })`,
  `await client.call({ command: 'set', key: 'a', value: 1 })`,
  `await client.call({ command: 'get', key: 'a', consistency: 'strong' })`,
  `await client.call({ command: 'set', key: 'a', value: '1', expected: null })`,
  `const one = await client.call({ command: 'get', key: 'a' }); if (one.outcome === 'done') console.log(one.answer.existed)`,
  `const two = await client.call({ command: 'get', key: 'a' }); console.log(two.answer)`,
  `const three = await client.call({ command: 'get', key: 'a' }); if (three.outcome === 'lost') console.log(1)`,
  `await client.call({ command: 'get', key: 'a' }, { deadline: 5 })`,
  `new Client({ addresses: 'h:1' })`,
  `new Client({ addresses: ['h:1'], reads: 'all' })`,
  `new Client({ addresses: ['h:1'], application: { nearest: 'reads' } })`,
  `await client.get(5)`,
  `for await (const [key] of client.scan('a', { pages: 5 })) console.log(key)`,
]

t.test('right programs compile', async (t) => {
  t.same(mistakes(head + right), [])
})

t.test('each mistake does not', async (t) => {
  const before = head.split('\n').length
  const lines = mistakes(`${head}${wrong.join('\n')}\n`)
  for (const [at, line] of wrong.entries()) t.ok(lines.includes(before + at), line)
  t.ok(Math.min(...lines) >= before, 'and nothing else does')
})
