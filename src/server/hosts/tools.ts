import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { ConfigError } from '../../errors.js'

/** Programs that hosts are made with, each with the option that makes it say its version. */
const tools = [
  ['ip', '-V'],
  ['tc', '-V'],
  ['nft', '-v'],
  ['unshare', '-V'],
  ['nsenter', '-V'],
  ['mount', '-V'],
] as const

/** Tells why no hosts can be made here, in one sentence; null if they can. */
export function obstacle(): string | null {
  if (process.platform !== 'linux') return 'hosts are network namespaces, which Linux alone has'
  if (process.getuid?.() !== 0) return 'hosts are network namespaces, and making them needs root'
  const missing = tools.map(([tool]) => tool).filter((_, at) => spawnSync(tools[at]![0], [tools[at]![1]]).error)
  if (missing.length > 0)
    return `hosts need ${missing.join(', ')}, missing here: apt-get install iproute2 nftables util-linux`
  const tried = spawnSync('unshare', ['--net', '--mount', 'true'], { encoding: 'utf8' })
  return tried.status === 0 ? null : `no network namespace can be made here: ${tried.stderr.trim()}`
}

/** Tells why no packet can be delayed between hosts here, in one sentence; null if it can. */
export function obstacleToDelays(): string | null {
  if (!existsSync('/dev/net/tun')) return 'delays need a device of the kind TUN, and there is no /dev/net/tun here'
  return spawnSync('socat', ['-V']).error ? 'delays need socat, missing here: apt-get install socat' : null
}

/** Runs a program to its end. @throws ConfigError with what the program said, if it failed */
export async function run(command: string, args: readonly string[], input = ''): Promise<void> {
  const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'pipe'] })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [said, code] = await Promise.all([text(child.stderr), endOf(child)])
  if (code !== 0) throw new ConfigError(`${[command, ...args].join(' ')}: ${said.trim()}`)
}

async function endOf(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'close')
  return code as number | null
}
