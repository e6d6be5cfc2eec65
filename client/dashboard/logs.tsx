import { useState } from 'preact/hooks'
import type { NodeView, Picture } from '../../src/trace/picture.js'
import type { Selection } from './store.js'
import { cellState, cellWords, entryOf, hueOf } from './words.js'

export interface LogsProps {
  readonly picture: Picture
  readonly selection: Selection
  /** Indexes that are shown beside each other. */
  readonly width: number
  readonly onSelect: (id: string, index: number) => void
}

/** Shows the logs of all nodes beside each other, an index a column. */
export function Logs({ picture, selection, width, onSelect }: LogsProps) {
  const [back, setBack] = useState(0)
  const nodes = Object.values(picture.nodes)
  const end = Math.max(0, ...nodes.map(({ last = 0, written }) => Math.max(last, written)))
  if (nodes.every(({ last }) => last === undefined)) return <Values nodes={nodes} />
  if (end === 0) return <p class="hint">no entry yet</p>
  const most = Math.max(0, end - width)
  const from = Math.max(1, end - width + 1 - Math.min(back, most))
  const indexes = Array.from({ length: Math.min(width, end) }, (_, at) => from + at)
  return (
    <div class="logs">
      <table>
        <caption class="unseen">the logs; each cell tells the term of an entry, and how safe it is</caption>
        <thead>
          <tr>
            <th scope="col">
              <button
                type="button"
                class="small"
                disabled={back >= most}
                onClick={() => setBack(Math.min(most, back + width))}
                aria-label="earlier entries"
              >
                ◂
              </button>
              <button
                type="button"
                class="small"
                disabled={back === 0}
                onClick={() => setBack(Math.max(0, back - width))}
                aria-label="later entries"
              >
                ▸
              </button>
            </th>
            {indexes.map((index) => (
              <th scope="col" key={index}>
                {index}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <LogRow key={node.id} node={node} indexes={indexes} selection={selection} onSelect={onSelect} />
          ))}
        </tbody>
      </table>
      <p class="legend" aria-hidden="true">
        {(['memory', 'durable', 'committed', 'applied'] as const).map((state) => (
          <span key={state}>
            <i class={`cell ${state}`} style={{ '--hue': 205 }} />{' '}
            {state === 'durable' ? 'on disk' : state === 'memory' ? 'in memory' : state}
          </span>
        ))}
      </p>
      {selection?.kind === 'entry' && <EntryFacts picture={picture} index={selection.index} id={selection.id} />}
    </div>
  )
}

interface RowProps {
  readonly node: NodeView
  readonly indexes: readonly number[]
  readonly selection: Selection
  readonly onSelect: (id: string, index: number) => void
}

function LogRow({ node, indexes, selection, onSelect }: RowProps) {
  return (
    <tr class={node.condition}>
      <th scope="row">
        {node.id}
        {node.role === 'leader' && <span aria-hidden="true"> ★</span>}
        {node.role === 'leader' && <span class="unseen">leader</span>}
      </th>
      {indexes.map((index) => {
        const state = cellState(node, index)
        const entry = entryOf(node, index)
        const isSelected = selection?.kind === 'entry' && selection.index === index
        const what = `entry ${index} of ${node.id}: ${cellWords[state]}${entry ? `, term ${entry.term}, ${entry.what}` : ''}`
        if (state === 'absent') return <td key={index} class={isSelected ? 'chosen' : ''} />
        return (
          <td key={index} class={isSelected ? 'chosen' : ''}>
            <button
              type="button"
              class={`cell ${state}`}
              style={{ '--hue': hueOf(entry?.term) }}
              aria-label={what}
              title={what}
              onClick={() => onSelect(node.id, index)}
            >
              {state === 'compacted' ? '▤' : (entry?.term ?? '·')}
            </button>
          </td>
        )
      })}
    </tr>
  )
}

/** Tells of one entry who has it, and why it counts as committed or not. */
function EntryFacts({ picture, id, index }: { picture: Picture; id: string; index: number }) {
  const nodes = Object.values(picture.nodes)
  const own = picture.nodes[id] && entryOf(picture.nodes[id], index)
  const isSame = (node: NodeView) => cellState(node, index) === 'compacted' || entryOf(node, index)?.term === own?.term
  const onDisk = nodes.filter((node) => node.onDisk >= index && isSame(node))
  const others = nodes.filter((node) => entryOf(node, index) && !isSame(node))
  const voters = votersOf(nodes)
  const count = onDisk.filter((node) => voters.includes(node.id)).length
  const isCommitted = nodes.some((node) => (node.commit ?? 0) >= index && isSame(node))
  const isMajority = count * 2 > voters.length
  return (
    <p class="facts" role="status">
      <b>
        entry {index}
        {own && `, term ${own.term}`}
      </b>
      {own && <code>{own.what}</code>} · on disk at {onDisk.map((node) => node.id).join(' ') || 'no node'} ({count} of{' '}
      {voters.length} voters)
      {others.length > 0 && ` · another entry stands there at ${others.map((node) => node.id).join(' ')}`} ·{' '}
      {isCommitted
        ? 'committed: it will never be taken back'
        : isMajority
          ? 'not known to be committed yet: the leader has to hear of it, and the entry must be of its own term'
          : 'not committed: no majority has it, so another leader may take it back'}
    </p>
  )
}

function votersOf(nodes: readonly NodeView[]): readonly string[] {
  const best = [...nodes].sort((a, b) => (b.commit ?? 0) - (a.commit ?? 0)).find(({ voters }) => voters)
  return best?.voters ?? nodes.map(({ id }) => id)
}

/** Shows how far each node has come, where there are no logs. */
function Values({ nodes }: { nodes: readonly NodeView[] }) {
  return (
    <table class="values">
      <caption>this stage keeps no log: each node has performed so many writes</caption>
      <tbody>
        {nodes.map(({ id, applied, condition }) => (
          <tr key={id} class={condition}>
            <th scope="row">{id}</th>
            <td>
              <meter min={0} max={Math.max(1, ...nodes.map((node) => node.applied))} value={applied} /> {applied}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
