import type { CallView, Picture } from '../../src/trace/picture.js'
import { describeCall } from './words.js'

/** Calls that are drawn at most: the last ones. */
const most = 14
const signs = { done: '✓', refused: '✕', unknown: '?' } as const

/** Shows the clients' calls as bars in time, and whether one copy of the store could have answered so. */
export function Calls({ picture, moment, judges }: { picture: Picture; moment: number; judges: string }) {
  const calls = picture.calls.slice(-most)
  const from = Math.min(...calls.map(({ askedAt }) => askedAt))
  const to = Math.max(moment, ...calls.map(({ endedAt, askedAt }) => endedAt ?? askedAt))
  const place = (at: number) => (100 * (at - from)) / (to - from || 1)
  return (
    <section class="calls" aria-label="calls of clients">
      <h2>Clients</h2>
      <VerdictLine picture={picture} judges={judges} />
      {calls.length === 0 ? (
        <p class="hint">no call yet</p>
      ) : (
        <ol>
          {calls.map((call) => (
            <CallBar key={call.number} call={call} start={place(call.askedAt)} end={place(call.endedAt ?? to)} />
          ))}
        </ol>
      )}
    </section>
  )
}

function CallBar({ call, start, end }: { call: CallView; start: number; end: number }) {
  const outcome = call.outcome?.outcome ?? 'open'
  const sign = call.outcome ? signs[call.outcome.outcome] : '…'
  return (
    <li class={outcome}>
      <span class="client">{call.client}</span>
      <span class="track" aria-hidden="true">
        <span class="bar" style={{ left: `${start}%`, width: `max(4px, ${Math.max(0, end - start)}%)` }} />
      </span>
      <span class="what">
        <i>{sign}</i> {describeCall(call)}
      </span>
    </li>
  )
}

function VerdictLine({ picture: { verdict, calls }, judges }: { picture: Picture; judges: string }) {
  if (!verdict) return calls.length > 0 ? <p class="verdict">not judged yet</p> : null
  return (
    <>
      <VerdictWords verdict={verdict} />
      <p class="hint">
        {verdict.calls} {verdict.calls === 1 ? 'call' : 'calls'} judged: {judges}
      </p>
    </>
  )
}

function VerdictWords({ verdict: { verdict, explanation } }: { verdict: NonNullable<Picture['verdict']> }) {
  if (verdict === 'linearizable')
    return <p class="verdict good">✔ linearizable so far: one copy of the store could have given these answers</p>
  if (verdict !== 'violation') return <p class="verdict">◌ undecided: too many calls at once to tell</p>
  return (
    <div class="verdict bad" role="alert">
      <p>✘ not linearizable: no order of the calls explains what was answered</p>
      <pre>{explanation}</pre>
    </div>
  )
}
