import { useRef, useState } from 'preact/hooks'
import type { Message } from '../../src/contracts.js'
import type { Flight, NodeView, Picture } from '../../src/trace/picture.js'
import { countEntries, describeMessage, detailsOf } from '../text/message.js'
import {
  between,
  goesAlong,
  lane,
  linkAt,
  nodeAt,
  nodeRadius,
  nodesInside,
  type Point,
  placesOf,
  size,
  toDrawing,
} from './geometry.js'
import { describeNode, hueOf } from './words.js'

export interface RingProps {
  readonly picture: Picture
  readonly moment: number
  readonly isLive: boolean
  /** Milliseconds of the run for which a message is drawn at least. */
  readonly leastFlight: number
  /** Ends of messages whose flight the picture still shows. */
  readonly ends: ReadonlyMap<number, number>
  readonly selected: string | null
  readonly canAct: boolean
  readonly onSelect: (id: string) => void
  readonly onCut: (from: string, to: string, bothWays: boolean) => void
  readonly onSplit: (nodes: readonly string[]) => void
}

/** A gesture under way. */
interface Gesture {
  readonly start: Point
  readonly path: readonly Point[]
  /** The link on which it began, its nearer end first. */
  readonly link: readonly [string, string] | null
  readonly from: string | null
}

/** Units of a drag below which it is a click. */
const leastDrag = 14
/** Milliseconds of the run for which a lost message is drawn at least. */
const lostMs = 6
/** Messages whose contents are written beside them at most, and messages that are drawn at once at most. */
const [mostLabels, mostDrawn] = [5, 60]

/** Draws the ring of nodes, their links, and the messages on their way. */
export function Ring(props: RingProps) {
  const { picture, selected, canAct, onSelect, onCut, onSplit } = props
  const drawing = useRef<SVGSVGElement>(null)
  const [gesture, setGesture] = useState<Gesture | null>(null)
  const nodes = Object.values(picture.nodes)
  const places = placesOf(nodes.map(({ id }) => id))
  const pointOf = (event: PointerEvent) => toDrawing(drawing.current!.getBoundingClientRect(), event)

  function begin(event: PointerEvent): void {
    if (event.button !== 0) return
    const start = pointOf(event)
    const from = nodeAt(places, start)
    if (!canAct) return from ? onSelect(from) : undefined
    setGesture({ start, path: [start], link: from ? null : linkAt(places, start), from })
    drawing.current!.setPointerCapture(event.pointerId)
  }

  function move(event: PointerEvent): void {
    if (gesture) setGesture({ ...gesture, path: [...gesture.path, pointOf(event)] })
  }

  function end(event: PointerEvent): void {
    if (!gesture) return
    setGesture(null)
    const { start, path, link, from } = gesture
    const stop = pointOf(event)
    const isClick = path.every(({ x, y }) => Math.hypot(x - start.x, y - start.y) < leastDrag)
    if (isClick) return from ? onSelect(from) : undefined
    const to = nodeAt(places, stop)
    if (from && to && from !== to) return onCut(from, to, event.shiftKey)
    if (link) {
      const [one, other] = link
      const along = goesAlong(places.get(one)!, places.get(other)!, [start, stop])
      return along ? onCut(one, other, event.shiftKey) : onCut(other, one, event.shiftKey)
    }
    const inside = from ? [] : nodesInside(places, path)
    if (inside.length > 0 && inside.length < nodes.length) onSplit(inside)
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no fieldset
    <svg
      ref={drawing}
      class={`ring ${gesture ? 'drawing' : ''}`}
      viewBox={`0 0 ${size} ${size}`}
      role="group"
      aria-label="the nodes of the cluster, and the messages between them"
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={() => setGesture(null)}
    >
      <Links picture={picture} places={places} />
      <Flights {...props} places={places} />
      {nodes.map((node) => (
        <NodeMark
          key={node.id}
          node={node}
          place={places.get(node.id)!}
          picture={picture}
          moment={props.moment}
          isSelected={selected === node.id}
          onSelect={() => onSelect(node.id)}
        />
      ))}
      {gesture && gesture.path.length > 1 && <GestureMark gesture={gesture} places={places} />}
    </svg>
  )
}

type Places = ReadonlyMap<string, Point>

function Links({ picture, places }: { picture: Picture; places: Places }) {
  const ids = [...places.keys()]
  const pairs = ids.flatMap((one, at) => ids.slice(at + 1).map((other) => [one, other] as const))
  return (
    <g class="links">
      {pairs.map(([one, other]) => {
        const cuts = [`${one}>${other}`, `${other}>${one}`].filter((link) => picture.cuts.includes(link))
        const [a, b] = lane(places.get(one)!, places.get(other)!, nodeRadius, 0)
        return (
          <g key={`${one} ${other}`}>
            {cuts.length < 2 && (
              <line class={`link ${cuts.length > 0 ? 'half' : ''}`} x1={a.x} y1={a.y} x2={b.x} y2={b.y} />
            )}
            {cuts.map((cut) => (
              <CutMark key={cut} link={cut} places={places} isAlone={cuts.length === 1} />
            ))}
          </g>
        )
      })}
    </g>
  )
}

/** Draws a cut direction: a dashed way with a cross, beside the one back. */
function CutMark({ link, places, isAlone }: { link: string; places: Places; isAlone: boolean }) {
  const [from, to] = link.split('>') as [string, string]
  const [a, b] = lane(places.get(from)!, places.get(to)!, nodeRadius + 6, isAlone ? 7 : 4)
  const middle = between(a, b, 0.5)
  return (
    <g class="cut">
      <line x1={a.x} y1={a.y} x2={b.x} y2={b.y} marker-end="" />
      <path d={`M${middle.x - 6} ${middle.y - 6}l12 12m0 -12l-12 12`} />
      <title>{`what ${from} sends to ${to} is lost`}</title>
    </g>
  )
}

function Flights({ picture, moment, isLive, leastFlight, ends, places }: RingProps & { places: Places }) {
  const shown = picture.flights.flatMap((flight) => {
    const { from, to } = flight.message
    if (!places.has(from) || !places.has(to)) return []
    const end = flight.endedAt ?? ends.get(flight.number) ?? null
    // Nobody hears what is sent to a node that is dead.
    const isLost = flight.fate === 'lost' || (end === null && picture.nodes[to]?.condition === 'dead')
    const took = Math.max((end ?? moment) - flight.sentAt, leastFlight, isLost ? lostMs : 0)
    const part = took === 0 ? 1 : (moment - flight.sentAt) / took
    const shownAt = isLost ? 1 : end === null && !isLive ? 0.5 : part
    return part > 1 ? [] : [{ flight, part: shownAt, isLost }]
  })
  const isCalm = shown.length <= mostLabels
  const labelled = new Set<string>()
  return (
    <g class="flights">
      {someOf(shown).map(({ flight, part, isLost }) => {
        const label = isCalm ? labelOf(flight.message) : ''
        const isNew = label !== '' && !labelled.has(label)
        labelled.add(label)
        return (
          <FlightMark
            key={flight.number}
            flight={flight}
            part={part}
            isLost={isLost}
            places={places}
            label={isNew ? label : ''}
          />
        )
      })}
    </g>
  )
}

/** Chooses the messages that are drawn, by their numbers, so that one that is drawn stays so on its way. */
function someOf<Drawn extends { readonly flight: Flight }>(shown: readonly Drawn[]): readonly Drawn[] {
  const each = Math.ceil(shown.length / mostDrawn)
  const part = 2 ** Math.ceil(Math.log2(each))
  return part <= 1 ? shown : shown.filter(({ flight: { number } }) => number % part === 0)
}

const labelOf = (message: Message) => `${message.type.replace('AppendEntries', 'Append')} ${detailsOf(message)}`

interface FlightProps {
  readonly flight: Flight
  readonly part: number
  readonly isLost: boolean
  readonly places: Places
  readonly label: string
}

/** Draws a message: round if it asks, square if it answers, a diamond if it is about votes; a cross where it was lost. */
function FlightMark({ flight, part, isLost, places, label }: FlightProps) {
  const { message } = flight
  const [a, b] = lane(places.get(message.from)!, places.get(message.to)!, nodeRadius, 5)
  const { x, y } = between(a, b, Math.min(isLost ? 0.5 : 1, Math.max(0.08, isLost ? part * 0.5 : part)))
  const count = countEntries(message)
  const isHeartbeat = message.type === 'AppendEntries' && count === 0
  const shape = /Vote|Leader|TimeoutNow/.test(message.type)
    ? 'vote'
    : /Reply|Replicated|Conflict|Confirmed/.test(message.type)
      ? 'answer'
      : 'ask'
  return (
    <g
      class={`flight ${shape} ${isLost && part > 0.9 ? 'lost' : ''} ${isHeartbeat ? 'idle' : ''}`}
      transform={`translate(${x} ${y})`}
      style={{ '--hue': hueOf(message.term) }}
    >
      {shape === 'vote' && <path d="M0 -8L8 0L0 8L-8 0Z" />}
      {shape === 'answer' && <rect x="-5" y="-5" width="10" height="10" rx="1.5" />}
      {shape === 'ask' && <circle r={count > 0 ? 8 : 4.5} />}
      {count > 0 && <text dy="3.5">{count}</text>}
      {isLost && part > 0.9 && <path class="cross" d="M-8 -8L8 8M8 -8L-8 8" />}
      {label !== '' && (
        <text class="label" x={x > size * 0.6 ? -11 : 11} dy="4" text-anchor={x > size * 0.6 ? 'end' : 'start'}>
          {label}
        </text>
      )}
      <title>{describeMessage(message)}</title>
    </g>
  )
}

interface NodeMarkProps {
  readonly node: NodeView
  readonly place: Point
  readonly picture: Picture
  readonly moment: number
  readonly isSelected: boolean
  readonly onSelect: () => void
}

const timerRadius = nodeRadius + 5
const timerLength = 2 * Math.PI * timerRadius

function NodeMark({ node, place, picture, moment, isSelected, onSelect }: NodeMarkProps) {
  const { id, role, condition, term, votedFor, timeout, heardAt, member } = node
  const isOutside = member !== undefined && member !== 'voter'
  const waits = timeout !== undefined && condition === 'up' && role !== 'leader' && !isOutside
  const passed = waits ? (moment - heardAt) / (timeout * picture.tickMs * picture.slow) : 0
  const left = Math.min(1, Math.max(0, 1 - passed))
  const classes = ['node', role, condition, isOutside && 'outside', isSelected && 'selected'].filter(Boolean).join(' ')
  const select = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    onSelect()
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no button
    <g
      class={classes}
      transform={`translate(${place.x} ${place.y})`}
      style={{ '--hue': hueOf(term) }}
      role="button"
      tabIndex={0}
      aria-label={describeNode(node)}
      aria-pressed={isSelected}
      data-node={id}
      onKeyDown={select}
    >
      {waits && (
        <circle
          class={`timer ${left < 0.3 ? 'late' : ''}`}
          r={timerRadius}
          transform="rotate(-90)"
          stroke-dasharray={`${timerLength * left} ${timerLength}`}
        />
      )}
      <circle class="body" r={nodeRadius} />
      {role === 'leader' && <circle class="crown" r={nodeRadius - 5} />}
      {role === 'leader' && (
        <path class="star" d={star} transform={`translate(${-nodeRadius * 0.75} ${-nodeRadius * 0.75})`} />
      )}
      <text class="name" dy={term === undefined || condition === 'dead' ? 6 : -2}>
        {id}
      </text>
      {term !== undefined && condition !== 'dead' && (
        <text class="term" dy="14">
          term {term}
        </text>
      )}
      {condition === 'dead' && <path class="cross" d="M-19 -19L19 19M19 -19L-19 19" />}
      {condition === 'paused' && <path class="bars" d="M-6 -26v14M6 -26v14" />}
      <text class="role" dy={place.y < size / 3 ? -nodeRadius - 12 : nodeRadius + 20}>
        {condition === 'dead' ? 'dead' : isOutside ? (member ?? role) : role}
        {votedFor && condition !== 'dead' && votedFor !== id && ` · voted ${votedFor}`}
      </text>
      <title>{describeNode(node)}</title>
    </g>
  )
}

const star = Array.from({ length: 10 }, (_, at) => {
  const [radius, angle] = [at % 2 === 0 ? 10 : 4.5, (Math.PI * at) / 5 - Math.PI / 2]
  return `${at === 0 ? 'M' : 'L'}${(radius * Math.cos(angle)).toFixed(1)} ${(radius * Math.sin(angle)).toFixed(1)}`
})
  .join('')
  .concat('Z')

/** Draws what a gesture would do. */
function GestureMark({ gesture, places }: { gesture: Gesture; places: Places }) {
  const { path, from, link, start } = gesture
  const last = path.at(-1)!
  if (from || link) return <line class="gesture" x1={start.x} y1={start.y} x2={last.x} y2={last.y} />
  const inside = nodesInside(places, path)
  return (
    <g>
      <polygon class="gesture loop" points={path.map(({ x, y }) => `${x},${y}`).join(' ')} />
      {inside.map((id) => (
        <circle key={id} class="gesture" cx={places.get(id)!.x} cy={places.get(id)!.y} r={nodeRadius + 9} />
      ))}
    </g>
  )
}
