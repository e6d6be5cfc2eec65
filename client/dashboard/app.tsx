import { useEffect, useState } from 'preact/hooks'
import type { NodeView } from '../../src/trace/picture.js'
import type { Hello, Question } from '../ui/protocol.js'
import { sayAsScript } from '../ui/script.js'
import { Calls } from './calls.js'
import { actions, CommandLine, NodePanel } from './controls.js'
import { Logs } from './logs.js'
import { Ring } from './ring.js'
import type { Store } from './store.js'
import { Story } from './story.js'
import { fork, goBack, perform } from './talk.js'
import { Tape } from './tape.js'
import { leaderOf, termOf } from './words.js'

/** Draws the page anew when the store says so. */
function useStore(store: Store): void {
  const [, setCount] = useState(0)
  useEffect(() => store.subscribe(() => setCount((count) => count + 1)), [store])
}

/** The whole page. */
export function App({ store, beside }: { store: Store; beside: Store }) {
  useStore(store)
  useStore(beside)
  const [script, setScript] = useState<string | null>(null)
  useKeys(store)
  const width = useWidth()
  const { hello } = store
  if (!hello) return <p class="waiting">{store.isConnected ? 'waits for the run…' : 'connects…'}</p>
  if (hello.question && !store.isAnswered) return <Ask question={hello.question} onDone={() => store.answered()} />
  const { picture, moment, selection, cursor } = store
  if (hello.hasBeside) return <SideBySide store={store} beside={beside} hello={hello} />
  const canAct = hello.can.act && cursor === null
  const act = (line: string) => actOn(store, line)
  const node = selection && picture.nodes[selection.id]
  return (
    <main class={cursor === null || !store.isLive ? 'present' : 'past'}>
      <Header store={store} hello={hello} onScript={() => setScript(scriptOf(store))} act={act} />
      {script !== null && <Script text={script} onClose={() => setScript(null)} />}
      <div class="stage">
        <div class="left">
          <div class="card">
            <Ring
              picture={picture}
              moment={moment}
              isLive={cursor === null && store.isLive}
              leastFlight={store.leastFlight}
              ends={store.ends}
              selected={selection?.id ?? null}
              canAct={hello.can.act}
              onSelect={(id) => store.select({ kind: 'node', id })}
              onCut={(from, to, both) => act(both ? `cut ${from} ${to}` : `cut ${from} > ${to}`)}
              onSplit={(nodes) => act(`split ${nodes.join(' ')}`)}
            />
            <RingHelp hello={hello} isPast={cursor !== null && store.isLive} notDrawn={picture.notDrawn} />
          </div>
          <Story
            told={store.told}
            shown={cursor ?? store.recording.end}
            isWall={hello.clock === 'wall'}
            onGo={(number) => store.show(number)}
          />
        </div>
        <div class="right">
          <section aria-label="logs">
            <h2>Logs</h2>
            <Logs
              picture={picture}
              selection={selection}
              width={width}
              onSelect={(id, index) => store.select({ kind: 'entry', id, index })}
            />
          </section>
          {node && selection?.kind === 'node' && (
            <NodePanel
              node={node}
              picture={picture}
              canAct={canAct}
              canRemove={hello.can.members}
              onDo={act}
              onClose={() => store.select(null)}
            />
          )}
          <Calls picture={picture} moment={moment} judges={hello.judges} />
          {hello.can.act && <CommandLine said={store.said} words={hello.words} onDo={act} />}
          <Guarantees hello={hello} broken={picture.findings.map(({ guarantee }) => guarantee)} />
        </div>
      </div>
      <TapeOf store={store} hello={hello} />
    </main>
  )
}

/** The tape of a run. */
function TapeOf({ store, hello }: { store: Store; hello: Hello }) {
  return (
    <Tape
      recording={store.recording}
      stretches={store.stretches}
      told={store.told}
      cursor={store.cursor}
      moment={store.moment}
      isLive={store.isLive}
      isWall={hello.clock === 'wall'}
      isPlaying={store.isPlaying}
      speed={store.speed}
      onShow={(number) => store.show(number)}
      onStep={(direction) => store.step(direction)}
      onPlay={(isPlaying) => store.play(isPlaying)}
      onFollow={() => store.follow()}
      onSpeed={(speed) => store.setSpeed(speed)}
    />
  )
}

/** Shows two runs of the same faults and calls, at the same moment, and where they part. */
function SideBySide({ store, beside, hello }: { store: Store; beside: Store; hello: Hello }) {
  beside.showMoment(store.cursor === null ? Number.POSITIVE_INFINITY : store.moment)
  const { partsAt } = hello
  return (
    <main class="present">
      <header class="top">
        <h1>
          {hello.title} <small>{hello.about}</small>
        </h1>
        <div class="buttons">
          {partsAt !== null && (
            <button type="button" onClick={() => store.show(store.recording.upTo(partsAt - 1e-6))}>
              to where they part
            </button>
          )}
          <ThemeButton />
        </div>
      </header>
      <div class="stage even">
        {[store, beside].map((one) => one.hello && <Half key={one.hello.run} store={one} hello={one.hello} />)}
      </div>
      <TapeOf store={store} hello={hello} />
    </main>
  )
}

/** One of two runs. */
function Half({ store, hello }: { store: Store; hello: Hello }) {
  const { picture, moment, selection } = store
  const leader = leaderOf(picture)
  return (
    <div class="left">
      <div class="card">
        <h2>
          stage {hello.stage.number}: {hello.stage.title} ·{' '}
          {leader ? `${leader.id} leads, term ${leader.term ?? 0}` : 'nobody leads'}
        </h2>
        <Ring
          picture={picture}
          moment={moment}
          isLive={false}
          leastFlight={0}
          ends={store.ends}
          selected={selection?.id ?? null}
          canAct={false}
          onSelect={(id) => store.select({ kind: 'node', id })}
          onCut={() => {}}
          onSplit={() => {}}
        />
      </div>
      <section aria-label={`logs at stage ${hello.stage.number}`}>
        <Logs
          picture={picture}
          selection={selection}
          width={10}
          onSelect={(id, index) => store.select({ kind: 'entry', id, index })}
        />
      </section>
      <Story
        told={store.told}
        shown={store.cursor ?? store.recording.end}
        isWall={false}
        onGo={(number) => store.show(number)}
      />
      <Calls picture={picture} moment={moment} judges={hello.judges} />
    </div>
  )
}

/** Asks what will happen before it is shown. */
function Ask({ question, onDone }: { question: Question; onDone: () => void }) {
  const [chosen, setChosen] = useState<number | null>(null)
  return (
    <section class="question" aria-label="a question first">
      <h2>First a question</h2>
      <pre>{question.text}</pre>
      <ol>
        {question.choices.map((choice, at) => (
          <li key={choice}>
            <button type="button" disabled={chosen !== null} aria-pressed={chosen === at} onClick={() => setChosen(at)}>
              {chosen !== null && at === question.right && '✔ '}
              {choice}
            </button>
          </li>
        ))}
      </ol>
      {chosen !== null && (
        <div role="status">
          <p>{chosen === question.right ? 'So it is:' : 'No:'}</p>
          <pre>{question.because}</pre>
          <button type="button" onClick={onDone}>
            show it
          </button>
        </div>
      )}
    </section>
  )
}

/** Performs a line, and shows it with its answer. */
async function actOn(store: Store, line: string): Promise<void> {
  store.follow()
  store.say(line, null)
  store.say(line, await perform(line))
}

function scriptOf({ recording, hello, cursor }: Store): string {
  const lines = recording.lines(recording.first, cursor ?? undefined)
  return sayAsScript(recording.start, lines, hello!.stage.number)
}

function Header(props: { store: Store; hello: Hello; onScript: () => void; act: (line: string) => void }) {
  const { store, hello, onScript, act } = props
  const { picture, cursor } = store
  const leader = leaderOf(picture)
  const term = termOf(picture)
  const nodes = Object.values(picture.nodes)
  const isFrozen = nodes.length > 0 && nodes.every(({ condition }) => condition !== 'up')
  return (
    <header class="top">
      <h1>
        {hello.title} <small>{hello.about}</small>
      </h1>
      <p class="now" aria-live="polite">
        {term > 0 && <span>term {term}</span>}
        <span>
          {leader ? `${leader.id} leads` : nodes.every(({ role }) => role === 'standalone') ? '' : 'nobody leads'}
        </span>
        <span class={`live ${cursor === null && store.isLive ? 'on' : ''}`}>
          {!store.isConnected
            ? '○ not connected'
            : cursor !== null
              ? '◷ the past'
              : store.isLive
                ? '● live'
                : '◼ recorded'}
        </span>
      </p>
      <div class="buttons">
        {hello.can.act && (
          <>
            <button
              type="button"
              aria-pressed={isFrozen}
              onClick={() => act(isFrozen ? 'thaw' : 'freeze')}
              title="freeze and thaw (f)"
            >
              {isFrozen ? 'thaw' : 'freeze'}
            </button>
            {hello.can.step && isFrozen && (
              <button type="button" onClick={() => act('step')} title="let the next thing happen (.)">
                step
              </button>
            )}
            <button
              type="button"
              aria-pressed={picture.slow > 1}
              onClick={() => act(picture.slow > 1 ? 'slow 1' : 'slow 10')}
              title="slow motion (s)"
            >
              slow ×10
            </button>
            <button
              type="button"
              disabled={picture.cuts.length === 0}
              onClick={() => act('heal')}
              title="mend all links (h)"
            >
              heal
            </button>
            {hello.can.members && (
              <button type="button" onClick={() => act(`add ${nextName(nodes)}`)}>
                add a node
              </button>
            )}
          </>
        )}
        {hello.can.fork && (
          <button
            type="button"
            onClick={() => void fork(store.moment)}
            title="replay this seed to this moment, and take over"
          >
            fork here
          </button>
        )}
        {hello.can.goBack && (
          <button type="button" onClick={() => void goBack()} title="leave what was done here, and look at the seed">
            back to the seed
          </button>
        )}
        <button type="button" onClick={onScript}>
          say it as script
        </button>
        <ThemeButton />
      </div>
    </header>
  )
}

/** Names the node to be added: one that runs and is no member, or one that is not there yet. */
function nextName(nodes: readonly NodeView[]): string {
  const outside = nodes.find(({ member, condition }) => condition === 'up' && member === 'no member')
  if (outside) return outside.id
  let number = 1
  while (nodes.some(({ id }) => id === `n${number}`)) number++
  return `n${number}`
}

function ThemeButton() {
  const isDarkNow = () =>
    document.documentElement.dataset.theme === 'dark' ||
    (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches)
  const [isDark, setDark] = useState(isDarkNow)
  const turn = () => {
    document.documentElement.dataset.theme = isDark ? 'light' : 'dark'
    setDark(!isDark)
  }
  return (
    <button type="button" onClick={turn} aria-label={isDark ? 'light colours' : 'dark colours'} title="light and dark">
      {isDark ? '☀' : '☾'}
    </button>
  )
}

function RingHelp({ hello, isPast, notDrawn }: { hello: Hello; isPast: boolean; notDrawn: number }) {
  return (
    <p class="hint">
      {isPast
        ? 'a picture of the past; what you do happens now'
        : hello.can.act
          ? 'drag from node to node, or along a link: cut that way (shift: both) · draw a loop: split · click: kill, pause, …'
          : 'play, step, or drag the handle below'}
      {notDrawn > 0 && ` · ${notDrawn} messages not drawn`}
    </p>
  )
}

function Guarantees({ hello: { guarantees }, broken }: { hello: Hello; broken: readonly string[] }) {
  const signs = { gives: '✔', stalls: '◌', breaks: '✘', nothing: '–' } as const
  const words = {
    gives: 'given',
    stalls: 'kept by standing still',
    breaks: 'broken by this stage',
    nothing: 'not of this stage',
  } as const
  return (
    <section class="guarantees" aria-label="guarantees of the stage">
      <details open={broken.length > 0}>
        <summary>
          <h2>
            Guarantees of this stage: {guarantees.filter(({ says }) => says === 'gives').length} of {guarantees.length}
          </h2>
        </summary>
        <ul>
          {guarantees.map(({ id, promise, says, scenario }) => (
            <li key={id} class={broken.includes(id) ? 'seen broken' : says}>
              <i aria-hidden="true">{broken.includes(id) ? '✘' : signs[says]}</i>
              <span class="unseen">{words[says]}</span> <b>{id}</b> {promise}
              {scenario && scenario !== 'storm' && <code>scenario {scenario}</code>}
              {broken.includes(id) && <em> seen to break here</em>}
            </li>
          ))}
        </ul>
      </details>
    </section>
  )
}

function Script({ text, onClose }: { text: string; onClose: () => void }) {
  return (
    <section class="script" aria-label="the run as a script">
      <header>
        <h2>What was done, as a script</h2>
        <button type="button" onClick={() => void navigator.clipboard?.writeText(text)}>
          copy
        </button>
        <button type="button" class="small" onClick={onClose} aria-label="close">
          ✕
        </button>
      </header>
      <p class="hint">
        save it as <code>x1.txt</code>; <code>raft-roadmap scenario x1.txt --stage N</code> plays it
      </p>
      <textarea readOnly rows={12} value={text} aria-label="the script" />
    </section>
  )
}

/** Chooses how many entries of the logs fit beside each other. */
function useWidth(): number {
  const choose = () => (innerWidth < 480 ? 7 : innerWidth < 900 ? 10 : innerWidth < 1300 ? 12 : 16)
  const [width, setWidth] = useState(choose)
  useEffect(() => {
    const change = () => setWidth(choose())
    addEventListener('resize', change)
    return () => removeEventListener('resize', change)
  }, [])
  return width
}

/** Lets everything be done by keys. */
function useKeys(store: Store): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) {
        if (event.key === 'Escape') target.blur()
        return
      }
      if (event.key === ' ' && target.closest('button, [role=button]')) return
      if (pressed(store, event.key)) event.preventDefault()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [store])
}

/** Does what a key means. @returns whether it means anything */
function pressed(store: Store, key: string): boolean {
  const { selection, picture, hello } = store
  const act = (line: string) => void actOn(store, line)
  const times: Readonly<Record<string, () => void>> = {
    ' ': () => store.play(!store.isPlaying),
    ArrowLeft: () => store.step(-1),
    ArrowRight: () => store.step(1),
    Home: () => store.show(store.recording.first),
    End: () => store.follow(),
    Escape: () => store.select(null),
    '/': () => document.getElementById('command')?.focus(),
  }
  if (times[key]) {
    times[key]()
    return true
  }
  const id = Object.keys(picture.nodes)[Number(key) - 1]
  if (id) {
    store.select({ kind: 'node', id })
    return true
  }
  if (!hello?.can.act) return false
  const isFrozen = Object.values(picture.nodes).every(({ condition }) => condition !== 'up')
  const ofAll: Readonly<Record<string, string>> = {
    f: isFrozen ? 'thaw' : 'freeze',
    s: picture.slow > 1 ? 'slow 1' : 'slow 10',
    h: 'heal',
    ...(hello.can.step && isFrozen && { '.': 'step' }),
  }
  const node = selection && picture.nodes[selection.id]
  const action = node && actions.find((one) => one.key === key && one.isPossible(node))
  const line = action ? action.line(node.id) : ofAll[key]
  if (line) act(line)
  return line !== undefined
}
