import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { stages } from '../stages/index.js'
import { gaps } from './coverage-gaps.js'
import { root, withGeneratedParts, withPictures, withTable } from './docs.js'

/** Folders at the root that hold nothing of the project's own; tests make and remove files in some while this one runs. */
const foreign = ['node_modules', 'dist', '.git', '.tap']

/** Files of the project below a folder, as paths from its root. */
function files(folder: string, ending: string): string[] {
  const isRoot = folder === '.'
  return readdirSync(join(root, folder), { recursive: !isRoot, withFileTypes: true }).flatMap((entry) => {
    const path = relative(root, join(entry.parentPath, entry.name))
    if (isRoot && entry.isDirectory() && !foreign.includes(path)) return files(path, ending)
    return entry.isFile() && path.endsWith(ending) ? [path] : []
  })
}

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const floors = ['test', 'client', 'stages', 'src']
const sources = floors.flatMap((floor) => files(floor, '.ts'))

interface Import {
  readonly from: string
  /** A path from the root, or the name of a package. */
  readonly to: string
}

function importsOf(path: string): Import[] {
  const specifiers = [...read(path).matchAll(/^(?:import|export)\b(?:[^;'"]*?\bfrom)? '([^']+)'/gm)].map(
    (match) => match[1]!,
  )
  return specifiers.map((to) => ({
    from: path,
    to: to.startsWith('.') ? relative(root, resolve(root, dirname(path), to)) : to,
  }))
}

const floorOf = (path: string) => floors.indexOf(path.split(sep)[0]!)
const stageOf = (path: string) => Number(/^stages\/(\d+)-/.exec(path)?.[1] ?? Number.NaN)

t.test('imports run one way: test → client → stages → src', async (t) => {
  const arrows = sources.flatMap(importsOf).filter(({ to }) => floorOf(to) >= 0)
  t.ok(arrows.length > 50, 'the imports were found')
  const uphill = arrows.filter(({ from, to }) => floorOf(to) < floorOf(from))
  t.same(uphill, [])
})

/** Groups of files that import each other, also if only types: each of them reaches every other. */
function circles(): string[][] {
  const next = new Map(sources.map((path) => [path, importsOf(path).map(({ to }) => to.replace(/\.js$/, '.ts'))]))
  const reached = (from: string, seen = new Set<string>()): Set<string> => {
    for (const to of next.get(from) ?? []) if (!seen.has(to)) reached(to, seen.add(to))
    return seen
  }
  const reach = new Map(sources.map((path) => [path, reached(path)]))
  const inCircles = sources.filter((path) => reach.get(path)!.has(path))
  return inCircles.map((path) =>
    inCircles.filter((other) => reach.get(path)!.has(other) && reach.get(other)!.has(path)),
  )
}

t.test('no two files import each other in a circle', async (t) => {
  t.same(circles(), [])
})

const protos = ['test', 'stages'].flatMap((floor) => files(floor, '.proto'))

/** Texts of a file: the literals of a program; the imports of a schema. */
function textsOf(path: string): string[] {
  if (path.endsWith('.proto')) return [...read(path).matchAll(/^import "(.+)";/gm)].map((match) => match[1]!)
  const texts: string[] = []
  const visit = (node: ts.Node): void => {
    const isText = ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)
    if (isText) texts.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true))
  return texts
}

/** Checks whether a text names a file or a folder of a floor above the one of a file, or of a later stage. */
function namesUphill(path: string, text: string): boolean {
  const above = floors.slice(0, floorOf(path))
  const own = floorOf(path) > floors.indexOf('stages') ? -1 : stageOf(path)
  const named = /(?:^|\/)(\d+)-[a-z]+(?:-[a-z]+)*\//.exec(text)
  return above.some((floor) => new RegExp(`(^|/)${floor}/`).test(text)) || (named !== null && Number(named[1]) > own)
}

t.test('a floor names no file of a floor above it, in a text either; a stage none of a later stage', async (t) => {
  t.ok(namesUphill('src/network/grpc-protos.ts', '3-protobuf-rpc/peer.proto'), 'the rule can fail')
  t.ok(namesUphill('stages/0-key-value-store/key-value.proto', '3-protobuf-rpc/node.proto'))
  t.notOk(namesUphill('stages/schemas.ts', '3-protobuf-rpc/node.proto'))
  const uphill = [...sources, ...protos].flatMap((path) =>
    textsOf(path).flatMap((text) => (namesUphill(path, text) ? [`${path}: ${text}`] : [])),
  )
  t.same(uphill, [])
})

t.test('the product does not import its proof', async (t) => {
  const proof = /^src\/proof\//
  const product = sources.filter((path) => path.startsWith('src/') && !proof.test(path))
  t.same(
    product.flatMap(importsOf).filter(({ to }) => proof.test(to)),
    [],
  )
})

t.test('a stage imports the doors, stage(), what an application is, and earlier stages only', async (t) => {
  const allowed = ['src/application.js', 'src/command-shape.js', 'src/contracts.js', 'src/stage.js', 'zod']
  const wrong = sources
    .filter((path) => !Number.isNaN(stageOf(path)))
    .flatMap(importsOf)
    .filter(({ from, to }) => !allowed.includes(to) && !(stageOf(to) <= stageOf(from)))
  t.same(wrong, [])
})

t.test('an application is made of the package as anybody has it, and of packages', async (t) => {
  const own = (to: string) => to.startsWith('client/applications/')
  const known = (to: string) => !to.includes('/') || /^(node:|raft-roadmap\/)/.test(to)
  const all = sources.filter(own).flatMap(importsOf)
  t.ok(all.some(({ to }) => to === 'raft-roadmap/server'))
  t.notOk(known('src/contracts.js') || own('client/server/index.js'), 'the rule can fail')
  t.same(
    all.filter(({ to }) => !own(to) && !known(to)),
    [],
  )
})

t.test('stages are pure and synchronous', async (t) => {
  const impure =
    /from 'node:|\b(setTimeout|setInterval|setImmediate|queueMicrotask|async|await|process|Buffer|Date|performance)\b|Math\.random|localeCompare/
  const code = (text: string) => text.replaceAll(/\/\*.*?\*\/|\/\/.*$/gms, '').replaceAll(/'[^'\n]*'|`[^`]*`/g, "''")
  for (const path of sources.filter((path) => /^(stages|client\/proof\/wrong-rules)\//.test(path))) {
    const withImports = read(path).match(/from 'node:/)
    t.notOk(withImports ?? impure.exec(code(read(path)))?.[0], path)
  }
  t.match('const a = Date.now()', impure, 'the rule can fail')
})

t.test('nothing is left loose', async (t) => {
  const loose = /\bTODO\b|\bFIXME\b|@ts-ignore|@ts-expect-error|\bas any\b|\.only\(|\bt\.skip\b/
  for (const path of sources.filter((path) => path !== 'test/tidy.test.ts')) t.notOk(loose.exec(read(path))?.[0], path)
})

t.test('files stay small enough to be read', async (t) => {
  const rules = sources.filter((path) => /^stages\/\d/.test(path))
  t.same(
    rules.filter((path) => read(path).split('\n').length > 130),
    [],
    'rule files: about 120 lines',
  )
  t.same(
    sources.filter((path) => read(path).split('\n').length > 420),
    [],
    'other files: about 400 lines',
  )
})

/** Long functions, each with its reason: a chain of options, or a table of cases. None may be added. */
const longFunctions = [
  'test/benchmark/options.ts',
  'test/build.test.ts',
  'test/client/command-line.test.ts',
  'test/client/repl.test.ts',
  'test/cluster/supervisor.test.ts',
  'test/full-disk.test.ts',
  'test/invariants.test.ts',
  'test/linearizability-history.test.ts',
  'test/network/client-port.test.ts',
  'test/network/grpc.test.ts',
  'test/scenarios.test.ts',
]

/** How many lines the longest function of a file has. */
function longestFunction(path: string): number {
  const file = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true)
  const lineOf = (position: number) => file.getLineAndCharacterOfPosition(position).line
  let longest = 0
  const visit = (node: ts.Node): void => {
    const isFunction = ts.isFunctionLike(node) && 'body' in node && node.body
    if (isFunction) longest = Math.max(longest, lineOf(node.end) - lineOf(node.getStart(file)) + 1)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return longest
}

t.test('functions have 50 lines at most', async (t) => {
  t.same(sources.filter((path) => longestFunction(path) > 50).sort(), longFunctions)
})

/** First words of comments that name nothing: a relative clause or a pronoun instead of a noun of the domain. */
const openers = new Set(
  `what how whether where who whom whose when why which those that these this it they such whoever whatever of so`.split(
    ' ',
  ),
)

/** A ratchet: the count of doc comments that open with one of the `openers`. Lower it, never raise it. */
const openersAllowed = 0

/** Doc comments of a file that open with one of the `openers`, each as file:line and its first line. */
function poorOpeners(path: string): string[] {
  const text = read(path)
  return [...text.matchAll(/\/\*\*(.*?)\*\//gs)]
    .filter(([, comment]) => openers.has(/[\p{L}\p{N}']+/u.exec(comment!)?.[0].toLowerCase() ?? ''))
    .map(
      ({ index, 0: comment }) =>
        `${path}:${text.slice(0, index).split('\n').length}: ${comment.split('\n', 2).join(' ')}`,
    )
}

t.test('a comment opens with a noun and a verb: the count of those that do not never grows', async (t) => {
  const changedAt = (path: string) => statSync(join(root, path)).mtimeMs
  const product = sources.filter((path) => floorOf(path) > 0).sort((a, b) => changedAt(b) - changedAt(a))
  const poor = product.flatMap(poorOpeners)
  const newest = poor.slice(0, 20).join('\n')
  t.ok(
    poor.length <= openersAllowed,
    `${poor.length} of ${openersAllowed} allowed; files changed last first:\n${newest}`,
  )
})

t.test('links between documents resolve', async (t) => {
  const documents = files('.', '.md')
  t.ok(documents.length > 3)
  for (const path of documents) {
    const prose = read(path).replaceAll(/^```.*?^```/gms, '')
    const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!)
    for (const link of links.filter((link) => !/^[a-z]+:/.test(link))) {
      const [file, anchor] = link.split('#')
      const target = file === '' ? path : relative(root, resolve(root, dirname(path), file!))
      t.ok(existsSync(join(root, target)), `${path} → ${link}`)
      if (anchor && target.endsWith('.md')) t.ok(anchors(target).includes(anchor), `${path} → ${link}`)
    }
  }
})

/** What the headings of a document are called in links. */
function anchors(path: string): string[] {
  const headings = [...read(path).matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  )
}

t.test('generated tables and pictures are up to date: `npm run docs` writes them', async (t) => {
  t.equal(withGeneratedParts(read('ROADMAP.md')), read('ROADMAP.md'))
  for (const stage of stages) {
    const lesson = `stages/${stage.name}/README.md`
    t.equal(withPictures(stage, await withTable(stage, read(lesson))), read(lesson), lesson)
  }
})

t.test('README tells how many branches of the rules no test takes: those that are explained', async (t) => {
  t.match(read('README.md'), `the tests take: all but ${gaps.length}, each`)
})

t.test('every stage has its folder, its number and its lesson in the one shape', async (t) => {
  const headings = [
    'What was wrong',
    'The idea',
    'What changes',
    'Read in this order',
    'Run it',
    'Try to break it',
    'What still breaks',
    'In the paper',
    'Exercises',
  ]
  for (const [at, { number, name, title }] of stages.entries()) {
    t.equal(number, at)
    t.equal(stageOf(`stages/${name}`), number)
    const lesson = read(`stages/${name}/README.md`)
    t.match(lesson, `# ${number}. ${title}\n`)
    t.same(
      [...lesson.matchAll(/^## (.+)$/gm)].map((match) => match[1]),
      headings,
      name,
    )
    t.equal(lesson.match(/<summary>Answer<\/summary>/g)?.length, 5, `${name}: five exercises with their answers`)
    const next = stages[at + 1]
    const last = lesson.trimEnd().split('\n\n').at(-1)
    t.match(last, next ? `**Next:** [${next.number}. ${next.title}](../${next.name}/README.md)` : '**Next:** ')
    for (const path of files(`stages/${name}`, '.ts'))
      t.match(lesson, `(${relative(`stages/${name}`, path)})`, `the lesson names ${path}`)
  }
})

t.test('a table is a table of contents: one screen', async (t) => {
  for (const { name } of stages) t.ok(read(`stages/${name}/stage.ts`).split('\n').length <= 50, name)
})

t.test('no guarantee is both given and broken', async (t) => {
  for (const { name, gives, breaks } of stages)
    t.same(
      gives.filter((id) => id in breaks),
      [],
      name,
    )
})

t.test('nothing of one machine or of how the project is made has slipped in', async (t) => {
  const paths = [...sources, ...files('.', '.md'), ...files('.', '.json'), '.ci/run', '.npmrc']
  for (const path of paths.filter((path) => path !== 'test/tidy.test.ts')) {
    t.notMatch(read(path), /\/root\/|\/work\/|registry\.npmjs|\.library/, path)
  }
})
