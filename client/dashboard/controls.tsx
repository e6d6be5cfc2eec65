import { useState } from 'preact/hooks'
import type { NodeView, Picture } from '../../src/trace/picture.js'
import type { Said } from './store.js'
import { describeNode } from './words.js'

/** Things that can be done to a node by a button or a key. */
interface Action {
  readonly key: string
  readonly name: string
  readonly line: (id: string) => string
  readonly isPossible: (node: NodeView) => boolean
}

export const actions: readonly Action[] = [
  { key: 'k', name: 'kill', line: (id) => `kill ${id}`, isPossible: ({ condition }) => condition !== 'dead' },
  { key: 'r', name: 'restart', line: (id) => `restart ${id}`, isPossible: ({ condition }) => condition === 'dead' },
  { key: 'p', name: 'pause', line: (id) => `pause ${id}`, isPossible: ({ condition }) => condition === 'up' },
  { key: 'p', name: 'resume', line: (id) => `resume ${id}`, isPossible: ({ condition }) => condition === 'paused' },
  { key: 'w', name: 'wipe its disk', line: (id) => `wipe ${id}`, isPossible: ({ condition }) => condition === 'dead' },
  {
    key: 't',
    name: 'time out now',
    line: (id) => `timeout ${id}`,
    isPossible: ({ condition, role, timeout }) => condition === 'up' && role !== 'leader' && timeout !== undefined,
  },
]

export interface PanelProps {
  readonly node: NodeView
  readonly picture: Picture
  readonly canAct: boolean
  readonly canRemove: boolean
  readonly onDo: (line: string) => void
  readonly onClose: () => void
}

/** Tells of one node what it is, and offers what can be done to it. */
export function NodePanel({ node, picture, canAct, canRemove, onDo, onClose }: PanelProps) {
  const { id } = node
  const others = Object.keys(picture.nodes).filter((other) => other !== id)
  return (
    <section class="panel" aria-label={`node ${id}`}>
      <header>
        <h2>{describeNode(node)}</h2>
        <button type="button" class="small" onClick={onClose} aria-label="close" title="close (Escape)">
          ✕
        </button>
      </header>
      <Facts node={node} />
      {canAct && (
        <div class="actions">
          {actions
            .filter(({ isPossible }) => isPossible(node))
            .map(({ key, name, line }) => (
              <button type="button" key={name} onClick={() => onDo(line(id))}>
                {name} <kbd>{key}</kbd>
              </button>
            ))}
          {canRemove && (
            <button type="button" onClick={() => onDo(`remove ${id}`)}>
              remove
            </button>
          )}
        </div>
      )}
      {canAct && (
        <fieldset class="actions links">
          <legend class="unseen">cut links of {id}</legend>
          {others.map((other) => {
            const isCut = picture.cuts.includes(`${id}>${other}`)
            return (
              <button
                type="button"
                key={other}
                disabled={isCut}
                onClick={() => onDo(`cut ${id} > ${other}`)}
                aria-label={`cut the link from ${id} to ${other}`}
              >
                ✂ {id}→{other}
              </button>
            )
          })}
          <button type="button" onClick={() => onDo(`split ${id}`)}>
            ✂ all
          </button>
        </fieldset>
      )}
    </section>
  )
}

function Facts({ node }: { node: NodeView }) {
  const { term, votedFor, last, written, onDisk, commit, applied, voters, outgoing, learners, member } = node
  const facts = {
    term,
    'voted for': votedFor,
    'last entry': last,
    'given to the disk': last === undefined ? undefined : written,
    'on disk': last === undefined ? undefined : onDisk,
    committed: commit,
    applied,
    member,
    voters: voters?.join(' '),
    'outgoing voters': outgoing?.join(' '),
    learners: learners?.join(' '),
  }
  const known = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null && value !== '')
  return (
    <dl>
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

export interface CommandLineProps {
  readonly said: readonly Said[]
  readonly words: readonly string[]
  readonly onDo: (line: string) => void
}

/** Takes lines in the words of the REPL, and shows what was answered. */
export function CommandLine({ said, words, onDo }: CommandLineProps) {
  const [line, setLine] = useState('')
  const [back, setBack] = useState(0)
  const recall = (step: number) => {
    const place = Math.min(said.length, Math.max(0, back + step))
    setBack(place)
    setLine(place === 0 ? '' : said.at(-place)!.line)
  }
  return (
    <form
      class="command"
      onSubmit={(event) => {
        event.preventDefault()
        if (line.trim() === '') return
        onDo(line.trim())
        setLine('')
        setBack(0)
      }}
    >
      <div class="said" role="log" aria-live="polite">
        {said.slice(-4).map(({ line, answer }, at) => (
          <div key={`${said.length} ${at}`} class={answer === null ? 'open' : answer.ok ? 'good' : 'bad'}>
            <code>{line}</code> <span>{answer === null ? '…' : answer.text}</span>
          </div>
        ))}
      </div>
      <label>
        <span aria-hidden="true">❯</span>
        <input
          id="command"
          list="words"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder="set a 1 · get a @n3 · kill leader · split leader · help"
          aria-label="a command, or a fault word"
          value={line}
          onInput={(event) => setLine(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'ArrowUp') recall(1)
            else if (event.key === 'ArrowDown') recall(-1)
            else return
            event.preventDefault()
          }}
        />
      </label>
      <datalist id="words">
        {words.map((word) => (
          <option key={word} value={`${word} `} />
        ))}
      </datalist>
    </form>
  )
}
