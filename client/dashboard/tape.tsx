import type { Recording } from '../../src/trace/recording.js'
import type { Told } from './sentences.js'
import type { Stretch } from './store.js'
import { describeMoment, hueOf } from './words.js'

export interface TapeProps {
  readonly recording: Recording
  readonly stretches: readonly Stretch[]
  readonly told: readonly Told[]
  readonly cursor: number | null
  readonly moment: number
  readonly isLive: boolean
  readonly isWall: boolean
  readonly isPlaying: boolean
  readonly speed: number
  readonly onShow: (number: number) => void
  readonly onStep: (direction: 1 | -1) => void
  readonly onPlay: (isPlaying: boolean) => void
  readonly onFollow: () => void
  readonly onSpeed: (speed: number) => void
}

const speeds = [1, 0.2, 0.05, 0.02, 0.005]

/** Shows the whole run as a tape, coloured by term, with a handle at the moment that is shown. */
export function Tape(props: TapeProps) {
  const { recording, cursor, moment, isLive, isWall, isPlaying, onShow, onStep, onPlay, onFollow } = props
  const { first, end } = recording
  const number = cursor ?? end
  const isNow = cursor === null
  return (
    <section class={`tape ${isNow ? 'now' : 'past'}`} aria-label="time">
      <div class="buttons">
        <button
          type="button"
          onClick={() => onShow(first)}
          aria-label="to the beginning"
          title="to the beginning (Home)"
        >
          ❘◀
        </button>
        <button type="button" onClick={() => onStep(-1)} aria-label="one event back" title="one event back (←)">
          ‹
        </button>
        <button
          type="button"
          class="play"
          onClick={() => onPlay(!isPlaying)}
          aria-label={isPlaying ? 'pause' : 'play'}
          title="play and pause (space)"
        >
          {isPlaying ? '❚❚' : '▶'}
        </button>
        <button type="button" onClick={() => onStep(1)} aria-label="one event forward" title="one event forward (→)">
          ›
        </button>
        <button
          type="button"
          onClick={onFollow}
          aria-label={isLive ? 'to the present' : 'to the end'}
          title="to the end (End)"
          aria-pressed={isNow}
        >
          {isLive ? '● live' : '▶❘'}
        </button>
        <label>
          <span class="unseen">speed of playing</span>
          <select value={String(props.speed)} onChange={(event) => props.onSpeed(Number(event.currentTarget.value))}>
            {speeds.map((speed) => (
              <option key={speed} value={String(speed)}>
                ×{speed}
              </option>
            ))}
          </select>
        </label>
        <output>{describeMoment(moment, isWall)}</output>
      </div>
      <div class="scrub">
        <Terms {...props} />
        <input
          type="range"
          min={first}
          max={end}
          value={number}
          aria-label="the moment that is shown"
          aria-valuetext={describeMoment(moment, isWall)}
          onInput={(event) => onShow(event.currentTarget.valueAsNumber)}
        />
      </div>
    </section>
  )
}

/** Units of the tape, and of a mark on it. */
const [tapeLength, markWidth] = [1000, 3]

/** Draws stretches of one leader and term, and marks of what went wrong: no more of them than can be told apart. */
function Terms({ recording: { first, end }, stretches, told }: TapeProps) {
  const place = (number: number) => (tapeLength * (number - first)) / (end - first || 1)
  const parts = apart(
    stretches.map((stretch, at) => {
      const [from, to] = [Math.max(first, stretch.number), stretches[at + 1]?.number ?? end]
      return { ...stretch, from: place(from), width: place(to) - place(from) }
    }),
    1,
  )
  const isMarked = ({ isBad, kind, number }: Told) => number >= first && (isBad || kind === 'fault')
  const marks = told.filter(isMarked).map((one) => ({ ...one, from: place(one.number) }))
  marks.sort((one, other) => Number(one.isBad) - Number(other.isBad))
  return (
    <svg viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true">
      {parts.map(({ number, from, width, term, leader }) => (
        <rect
          key={number}
          class={leader ? 'led' : 'leaderless'}
          x={from}
          width={Math.max(0, width)}
          y={leader ? 4 : 9}
          height={leader ? 16 : 6}
          style={{ '--hue': hueOf(term) }}
        />
      ))}
      {apart(marks, markWidth).map(({ number, isBad, from }) => (
        <rect key={number} class={isBad ? 'wrong' : 'fault'} x={from} width={markWidth} y="0" height="24" />
      ))}
    </svg>
  )
}

/** Leaves out what stands where another one stands already. */
function apart<Mark extends { readonly from: number }>(marks: readonly Mark[], width: number): Mark[] {
  const places = new Map(marks.map((mark) => [Math.floor(mark.from / width), mark]))
  return [...places.values()]
}
