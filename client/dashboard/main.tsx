import { render } from 'preact'
import { App } from './app.js'
import { Store } from './store.js'
import { listen } from './talk.js'

const store = new Store()
listen({
  hello: (hello) => store.begin(hello),
  lines: (lines) => store.add(lines),
  connected: (isConnected) => store.connect(isConnected),
})
render(<App store={store} />, document.getElementById('page')!)
const draw = (now: number) => {
  store.frame(now)
  requestAnimationFrame(draw)
}
requestAnimationFrame(draw)
