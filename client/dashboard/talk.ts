import type { Hello, Performed, ShownLine } from '../ui/protocol.js'

const token = location.hash.slice(1)

export interface Listener {
  hello(hello: Hello): void
  /** @param bytes of the lines as JSON */
  lines(lines: readonly ShownLine[], bytes: number): void
  connected(isConnected: boolean): void
}

/** Listens to the run, or to the one beside it. The browser connects again by itself, and says what it heard last. */
export function listen(listener: Listener, which: 'run' | 'beside' = 'run'): void {
  const source = new EventSource(`/events?token=${token}${which === 'beside' ? '&beside' : ''}`)
  source.addEventListener('hello', ({ data }) => listener.hello(JSON.parse(data) as Hello))
  source.addEventListener('lines', ({ data }) => listener.lines(JSON.parse(data) as ShownLine[], data.length))
  source.addEventListener('open', () => listener.connected(true))
  source.addEventListener('error', () => listener.connected(false))
}

/** Asks the server to perform a line in the words of the REPL. */
export const perform = (line: string): Promise<Performed> => post('/do', { line })

/** Asks the server to replay a seed to a moment and hand it over. */
export const fork = (at: number): Promise<Performed> => post('/fork', { at })

/** Asks the server to show the seed again from which this run was forked. */
export const goBack = (): Promise<Performed> => post('/back', {})

async function post(path: string, body: object): Promise<Performed> {
  try {
    const headers = { 'content-type': 'application/json', 'x-token': token }
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
    return (await response.json()) as Performed
  } catch {
    return { ok: false, text: 'the server cannot be reached: is `run` still there?' }
  }
}
