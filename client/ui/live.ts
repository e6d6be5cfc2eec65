import type { Traced } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import { traceFormat } from '../../src/trace/events.js'
import type { TraceLine } from '../../src/trace/fold.js'
import type { Answerer } from '../repl/answerer.js'
import { allWords } from '../repl/repl-words.js'
import { Feed } from './feed.js'
import { Names } from './names.js'
import { plainAnswer } from './plain.js'
import type { Performed } from './protocol.js'
import type { Shown } from './server.js'
import { aboutStage } from './shown.js'
import { RunningVerdict } from './verdict.js'

/** Milliseconds that a page waits for the answer to a line. */
const patienceMs = 20_000

/** A feed of a cluster of processes: what its nodes tell, what is done to it, what clients ask from here. */
export class LiveFeed {
  readonly feed = new Feed(true)
  readonly #verdict = new RunningVerdict('anything')

  constructor(stage: Stage, nodes: readonly string[], tickMs: number) {
    this.hear({ event: 'trace', format: traceFormat, stage: stage.number, tickMs, nodes })
  }

  /** Takes an event. One that a node has told bears its time already. */
  hear(event: Traced): void {
    const line = { at: Date.now(), ...event } as TraceLine
    // Each node begins its trace with its own header.
    if (line.event === 'trace' && line.node !== undefined) return
    this.feed.add(line)
    const verdict = this.#verdict.take(line)
    if (verdict) this.feed.add(verdict)
  }
}

/** Makes the page of a cluster that runs here. */
export function liveShown(
  stage: Stage,
  { feed }: LiveFeed,
  answerer: Answerer,
  words: Parameters<typeof allWords>[0],
): Shown {
  const names = new Names()
  return {
    feed,
    hello: {
      kind: 'live',
      clock: 'wall',
      title: `stage ${stage.number}: ${stage.title}`,
      about: `adds ${stage.adds}`,
      ...aboutStage(stage),
      words: allWords(words),
      can: { act: true, members: stage.members === 'changing', fork: false, step: false, goBack: false },
      judges: 'those made on this page and at the prompt; what nc and other programs ask is not seen',
      question: null,
    },
    perform: (line) => perform(answerer, line, names),
  }
}

async function perform(answerer: Answerer, line: string, names: Names): Promise<Performed> {
  const said: string[] = []
  let ok = true
  const patience = new AbortController()
  const { signal } = patience
  const client = names.take()
  const turn = {
    signal,
    client,
    columns: Number.POSITIVE_INFINITY,
    tellsTime: false,
    say: (text: string) => void said.push(plainAnswer(text)),
    fail: () => {
      ok = false
    },
    leave: () => void said.push('the page stays open: close its window, or end `run`'),
  }
  const given = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  const timer = setTimeout(() => patience.abort(), patienceMs)
  // The name is taken as long as the call lasts, which may be longer than anybody waits.
  const answered = answerer.obey(line.trim(), turn).finally(() => names.giveBack(client))
  try {
    await Promise.race([answered, given])
  } finally {
    clearTimeout(timer)
  }
  if (signal.aborted) said.push('no answer yet; it may still come')
  return { ok: ok && !signal.aborted, text: said.join('\n') }
}
