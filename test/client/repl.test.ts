import { type ChildProcess, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import { exitCode } from '../../client/text/answers.js'
import { stages } from '../../stages/index.js'
import { some } from '../helpers/effort.js'
import { bare, cli, main, RunningCluster } from '../helpers/running.js'

const state = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))

/** A person at a terminal: types, and watches the screen. */
class Terminal {
  readonly #child: ChildProcess
  #written = ''
  /** How much of what was shown, colours and cursor movements left out, has been looked at. */
  #seen = 0
  #ended = false
  #changed = () => {}

  constructor(t: Test, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const command = [process.execPath, main, ...args].join(' ')
    this.#child = bare('script', ['-qec', command, '/dev/null'], { XDG_STATE_HOME: state, TERM: 'xterm', ...env })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#written += text
      this.#changed()
    })
    this.#child.once('close', () => {
      this.#ended = true
      this.#changed()
    })
    t.teardown(() => this.#child.kill('SIGKILL'))
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys)
  }

  /** What was shown up to and with `pattern`, once it is; what came before is not looked at again. */
  async shows(pattern: RegExp): Promise<string> {
    for (;;) {
      const screen = stripVTControlCharacters(this.#written).slice(this.#seen)
      const found = pattern.exec(screen)
      if (found) {
        const shown = screen.slice(0, found.index + found[0].length)
        this.#seen += shown.length
        return shown
      }
      if (this.#ended) throw new Error(`the terminal closed without ${pattern}; it showed: ${screen}`)
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  async closed(): Promise<void> {
    while (!this.#ended) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }
}

function hasScript(): boolean {
  try {
    execFileSync('script', ['--version'])
    return true
  } catch {
    return false
  }
}

t.test('the REPL of `run`, at a terminal', { skip: !hasScript() && 'needs script(1) for a terminal' }, async (t) => {
  const screen = new Terminal(t, ['run', '2', '--base-port', '0'])
  await screen.shows(/Stage 2: Naive replication/)
  const prompt = /2-naive-replication> /
  await screen.shows(prompt)
  screen.type('set greeting hello world\r')
  t.match(await screen.shows(/ms\)/), /ok +\S*\(\d+\.\d ms/, 'answered, with its time')
  screen.type('get greeting @n3\r')
  await screen.shows(/"hello world"/)
  screen.type('cas greeting null x\r')
  t.match(await screen.shows(/it holds "hello world"/), /refused cas_mismatch/)
  screen.type('kill n3\r')
  await screen.shows(/n3.*killed/)
  screen.type('status\r')
  t.match(await screen.shows(/n5 .*follower/), /n3 .*dead/)
  screen.type('rest')
  screen.type('\t')
  await screen.shows(/restart /)
  screen.type('n3\r')
  await screen.shows(/n3.*restarted/)
  screen.type('get greeting @n3\r')
  await screen.shows(/\(absent\)/)
  screen.type('nonsense\r')
  await screen.shows(/no command "nonsense"; there are get set/)
  screen.type('half a line')
  await screen.shows(/half a line/)
  screen.type('\u0003')
  await screen.shows(prompt)
  screen.type('\u0003')
  await screen.shows(/Ctrl-D or `exit` leaves/)
  screen.type('help cas\r')
  await screen.shows(/compare and set/)
  screen.type('\u0004')
  await screen.closed()
  const history = readFileSync(join(state, 'raft-roadmap', 'history'), 'utf8').split('\n')
  t.ok(history.includes('set greeting hello world'), 'the history is kept')

  const again = new Terminal(t, ['client', '--connect', '127.0.0.1:9'])
  await again.shows(/raft> /)
  again.type('\u001b[A')
  await again.shows(/help cas/)
  again.type('\u0003exit\r')
  await again.closed()
})

t.test('client', async (t) => {
  const cluster = await new RunningCluster(t, 2, ['--nodes', '4']).ready()
  const connect = ['--connect', cluster.addresses().join(',')]

  t.test('one command: its answer on standard output, its outcome in the exit code', async (t) => {
    const once = (...words: string[]) => cli(['client', ...connect, ...words])
    t.same(await once('set', 'a', '1'), { code: 0, stdout: 'ok\n', stderr: '' })
    t.same(await once('get', 'a'), { code: 0, stdout: '1\n', stderr: '' })
    t.same(await once('get', 'absent'), { code: 0, stdout: '', stderr: '(absent)\n' })
    t.same(await once('--json', 'get', 'a'), { code: 0, stdout: '{"ok":true,"value":"1"}\n', stderr: '' })
    t.match(await once('cas', 'a', 'null', '2'), { code: 1, stdout: '', stderr: /refused cas_mismatch.*holds "1"/ })
    t.match(await once('--json', 'cas', 'a', '9', '2'), {
      code: 1,
      stdout: /"code":"cas_mismatch".*"definite":true.*"actual":"1"/,
    })
    t.match(await once('append', 'a', '23'), { code: 0, stdout: 'ok (length 3)\n' })
    t.match(await once('delete', 'a'), { code: 0, stdout: 'ok\n' })
    t.match(await once('set', 'b', '2'), { code: 0 })
    t.match(await once('scan'), { code: 0, stdout: 'b\t2\n' })
    t.match(await once('info'), { code: 0, stdout: /role\s+leader/ })
    t.match(await once('scan', 'x', 'y', 'many'), { code: 1, stderr: /"limit" must be a whole number/ })
  })

  t.test('from a pipe it is a filter: no prompt, no colours, and an exit code', async (t) => {
    const input = '# a comment\nset p 1\n\nget p\nget p @n4\nscan p'
    const piped = await cli(['client', ...connect], input)
    t.same(piped, { code: 0, stdout: 'ok\n"1"\n"1"\n"p" = "1"\n', stderr: '' })
    t.match(await cli(['client', ...connect], 'cas p 7 8\nping\n'), { code: 1, stdout: /refused cas_mismatch.*\nok\n/ })
    t.match(await cli(['client', ...connect], 'fly\nping\n'), { code: 2, stdout: /no command "fly".*\nok\n/ })
    t.match(await cli(['client', ...connect], 'get p @n9\n'), {
      code: 2,
      stdout: /no node n9 is known; there are n1, n2/,
    })
    t.match(await cli(['client', ...connect], 'kill n1\n'), { code: 2, stdout: /not started here/ })
    t.match(await cli(['client', ...connect], 'set "two words" "\\u00e9"\nget "two words"\n'), { stdout: 'ok\n"é"\n' })
    const status = await cli(['client', ...connect], 'status\n')
    t.match(status.stdout, /^node +address +pid +condition +role +leader +applied\nn1 .* leader +n1 +\d+\nn2/)
  })

  t.test('colours: only where they are wanted', async (t) => {
    const coloured = await cli(['client', ...connect], 'get nothing\n', { FORCE_COLOR: '1' })
    t.match(coloured.stdout, '\u001b[')
    t.notMatch(
      (await cli(['client', ...connect], 'get nothing\n', { FORCE_COLOR: '1', NO_COLOR: '1' })).stdout,
      '\u001b[',
    )
    t.notMatch((await cli(['client', ...connect], 'get nothing\n')).stdout, '\u001b[')
  })

  t.test('a write to a paused leader is unknown: exit code 3, and it happens after all', async (t) => {
    // A node that never said a word is asked nothing: the connection has to stand before.
    await using client = new Client({ addresses: cluster.addresses() })
    await client.set('early', '1')
    await cluster.say('pause n1')
    const lost = await client.call({ command: 'set', key: 'late', value: '1' }, { deadlineMs: 1000 })
    t.match(lost, {
      outcome: 'unknown',
      error: { code: 'timeout', message: /no answer .* in time; it may still happen/ },
    })
    t.equal(exitCode(lost), 3)
    await cluster.say('resume n1')
    // On a busy machine the node may read the question before it has a majority for the write.
    let later = await cli(['client', ...connect, 'get', 'late'])
    while (later.stdout === '') later = await cli(['client', ...connect, 'get', 'late'])
    t.match(later, { code: 0, stdout: '1\n' })
  })

  t.test('nobody there: refused, because nothing was sent', async (t) => {
    const nobody = await cli(['client', '--connect', '127.0.0.1:9', '--deadline', '200', 'set', 'a', '1'])
    t.match(nobody, { code: 1, stderr: /refused unreachable: .*nothing was sent/ })
  })
})

t.test('list, help, version and completion', async (t) => {
  const list = await cli(['list'])
  t.match(list, { code: 0, stdout: /0 {2}Key-value store.*2 {2}Naive replication.*✘ G5/s })
  const json = (await cli(['list', '--json'])).stdout.trim().split('\n')
  t.match(
    json.map((line) => JSON.parse(line) as unknown),
    stages.map(({ number, name }) => ({ number, name })),
  )
  for (const args of some(2, [['--help'], ['run', '--help'], ['node', '--help'], ['client', '--help']])) {
    t.match(await cli(args), { code: 0, stdout: /Examples:/ }, args.join(' '))
  }
  t.match(await cli(['--version']), { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ })
  t.match(await cli(['completion']), { code: 0, stdout: /complete .* raft-roadmap/ })
  t.match(await cli([]), { code: 2, stderr: /which command/ })
})
