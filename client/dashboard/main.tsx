import { render } from 'preact'
import { App } from './app.js'
import { Store } from './store.js'
import { listen } from './talk.js'

const store = new Store()
const beside = new Store()
let isBesideHeard = false

listen({
  hello(hello) {
    store.begin(hello)
    if (hello.hasBeside && !isBesideHeard) listenBeside()
  },
  lines: (lines, bytes) => store.add(lines, bytes),
  connected: (isConnected) => store.connect(isConnected),
})

/** Listens to the second run, where two are shown side by side. */
function listenBeside(): void {
  isBesideHeard = true
  listen(
    {
      hello: (hello) => beside.begin(hello),
      lines: (lines, bytes) => beside.add(lines, bytes),
      connected: (isConnected) => beside.connect(isConnected),
    },
    'beside',
  )
}

// For the console: what the page holds, which is bounded however long it stays open.
Object.assign(globalThis, { held: () => store.held })

render(<App store={store} beside={beside} />, document.getElementById('page')!)
const draw = (now: number) => {
  store.frame(now)
  beside.frame(now)
  requestAnimationFrame(draw)
}
requestAnimationFrame(draw)
