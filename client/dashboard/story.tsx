import { useEffect, useRef, useState } from 'preact/hooks'
import { type Kind, kinds, type Told } from './sentences.js'
import { describeMoment } from './words.js'

/** Sentences that are drawn at most. */
const most = 120

export interface StoryProps {
  readonly told: readonly Told[]
  /** The number behind the last event that is shown. */
  readonly shown: number
  readonly isWall: boolean
  readonly onGo: (number: number) => void
}

/** Tells what happened in sentences, up to the moment that is shown; a click goes to that moment. */
export function Story({ told, shown, isWall, onGo }: StoryProps) {
  const [kind, setKind] = useState<Kind | null>(null)
  const [text, setText] = useState('')
  const list = useRef<HTMLOListElement>(null)
  const wanted = text.toLowerCase()
  const fits = (one: Told) =>
    one.number < shown &&
    (kind === null || one.kind === kind) &&
    `${one.node ?? ''} ${one.text}`.toLowerCase().includes(wanted)
  const sentences = told.filter(fits).slice(-most)
  const last = sentences.at(-1)?.number
  useEffect(() => {
    const element = list.current
    if (element && last !== undefined) element.scrollTop = element.scrollHeight
  }, [last])
  return (
    <section class="story" aria-label="what happened">
      <h2>What happened</h2>
      <fieldset class="filters">
        <legend class="unseen">filter</legend>
        {kinds.map((one) => (
          <button
            type="button"
            key={one}
            aria-pressed={kind === one}
            onClick={() => setKind(kind === one ? null : one)}
          >
            {one}
          </button>
        ))}
        <input
          type="search"
          placeholder="filter"
          aria-label="show only sentences with this text"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </fieldset>
      {sentences.length === 0 && <p class="hint">nothing yet</p>}
      <ol ref={list}>
        {sentences.map((one) => (
          <li key={one.number} class={one.isBad ? 'bad' : one.kind}>
            <button type="button" onClick={() => onGo(one.number + 1)} title="go to this moment">
              <time>{describeMoment(one.at, isWall)}</time> {one.node && <b>{one.node}</b>} <span>{one.text}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  )
}
