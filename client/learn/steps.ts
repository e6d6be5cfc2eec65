/** A lesson's fenced blocks, and what its invisible comments say of them, become steps that can be played. */
import { spawnSync } from 'node:child_process'

export interface Step {
  /** The line of the document at which the step stands. */
  readonly line: number
  /**
   * `start` runs a stage at a terminal, `repl` types a line there, `look` types nothing and waits for what comes,
   * `shell` runs a command in the second terminal, `netcat` types lines into a connection that stands.
   */
  readonly how: 'start' | 'repl' | 'look' | 'shell' | 'listing' | 'netcat' | 'save'
  readonly text: string
  readonly expected: string[]
  /** The shell's command runs on while the next step is played. */
  readonly runsOn: boolean
}

interface Skipped {
  readonly line: number
  readonly reason: string
}

export interface Script {
  readonly steps: readonly Step[]
  readonly skipped: readonly Skipped[]
  /** Blocks that nobody can play and nobody has marked. */
  readonly unmarked: readonly Skipped[]
}

interface Block {
  readonly line: number
  readonly language: string
  readonly lines: readonly string[]
  /** The comment right before the block, such as `not played: it takes an hour`. */
  readonly mark: string
}

const fence = /^ *```(\w*)$/
const hiddenBegin = /^<!-- played:$/
const comment = /^ *<!-- (.+) -->$/

function blocksOf(document: string): Block[] {
  const blocks: Block[] = []
  const lines = document.split('\n')
  let mark = ''
  for (let at = 0; at < lines.length; at++) {
    const text = lines[at]!
    const opened = fence.exec(text)
    if (opened || hiddenBegin.test(text)) {
      const ends = opened ? fence : /^-->$/
      const end = lines.findIndex((line, index) => index > at && ends.test(line))
      blocks.push({ line: at + 1, language: opened?.[1] ?? '', lines: lines.slice(at + 1, end), mark })
      at = end
      mark = ''
    } else if (comment.test(text)) mark = comment.exec(text)![1]!
    else if (text.trim() !== '') mark = ''
  }
  return blocks
}

/** Checks whether the shell has all of a command; otherwise it waits for the end, such as a quote. */
const isComplete = (command: string) => spawnSync('bash', ['-n', '-c', command]).status === 0

const prompted = /^(?:\d+-[a-z-]+|raft|etcd)> ?(.*)$/
/** An event that came while the prompt stood there, such as `8-membership> n5  stands for election`. */
const isEvent = (text: string) => /^n\d+ {1,2}\S/.test(text)

/** The step that a line begins, or null if it belongs to the step before. */
function begins(text: string): Pick<Step, 'how' | 'text'> | null {
  const typed = prompted.exec(text)?.[1]
  if (typed !== undefined && !isEvent(typed)) return { how: 'repl', text: typed }
  const asked = /^\$ (.*)$/.exec(text)?.[1]
  if (asked !== undefined) return { how: /^nc [\d.]+ \d+$/.test(asked) ? 'netcat' : 'shell', text: asked }
  if (/^npm (run stage|start)\b/.test(text)) return { how: 'start', text }
  if (/^npx raft-roadmap /.test(text)) return { how: 'listing', text: text.replace(/ {2,}.*$/, '') }
  return null
}

function stepsOf({ line, lines, mark }: Block): Step[] {
  const steps: Step[] = []
  const runsOn = mark === 'runs on while the next is played'
  for (let at = 0; at < lines.length; at++) {
    const begun = begins(lines[at]!)
    if (begun) {
      let { text } = begun
      const first = line + at + 1
      while (begun.how === 'shell' && !isComplete(text) && at + 1 < lines.length) text += `\n${lines[++at]!}`
      steps.push({ line: first, how: begun.how, text, expected: [], runsOn })
    } else {
      if (steps.length === 0) steps.push({ line: line + 1, how: 'look', text: '', expected: [], runsOn: false })
      steps.at(-1)!.expected.push(prompted.exec(lines[at]!)?.[1] ?? lines[at]!)
    }
  }
  return steps
}

/** Finds the steps to be played, in order, and the blocks that their marks except, with the reasons. */
export function readScript(document: string): Script {
  const [steps, skipped, unmarked]: [Step[], Skipped[], Skipped[]] = [[], [], []]
  for (const block of blocksOf(document)) {
    const { line, mark, language, lines } = block
    const [, reason] = /^not played: (.+)$/.exec(mark) ?? []
    const [, file] = /^saved as (\S+)$/.exec(mark) ?? []
    const playable = lines.some((text) => begins(text) !== null)
    if (reason) skipped.push({ line, reason })
    else if (mark === 'a picture') continue
    else if (file) steps.push({ line, how: 'save', text: file, expected: [...lines], runsOn: false })
    else if (mark === 'the same connection')
      steps.push({ line, how: 'netcat', text: '', expected: [...lines], runsOn: false })
    else if (playable || mark === 'seen there') steps.push(...stepsOf(block))
    else unmarked.push({ line, reason: `a block${language && ` of ${language}`} that is neither played nor marked` })
  }
  for (const { line, expected } of steps)
    if (expected[0] === '…') unmarked.push({ line, reason: 'a `…` that stands for more lines like no line' })
  return { steps, skipped, unmarked }
}
