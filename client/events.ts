import type { Event } from '../src/contracts.js'
import { colour, nodeColour } from './colour.js'

/** What happened, as one readable line; null for what only a trace should hold. */
export function describeEvent({ event, node, at: _at, ...details }: Event): string {
  const who = typeof node === 'string' ? nodeColour(node.padEnd(3)) : '   '
  return `${who} ${sentences[event]?.(details) ?? `${event}${describeDetails(details)}`}`
}

function describeDetails(details: Record<string, unknown>): string {
  const texts = Object.entries(details).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return texts.length > 0 ? `: ${texts.join(', ')}` : ''
}

type Details = Readonly<Record<string, unknown>>

function describeReady({ stage, nodes }: Details): string {
  const list = (nodes as { id: string; client: string }[]).map(({ id, client }) => `${nodeColour(id)} ${client}`)
  return `stage ${stage} is ready; Ctrl-C ends it: ${list.join('  ')}`
}

const sentences: Readonly<Record<string, (details: Details) => string>> = {
  ready: describeReady,
  stopped: () => 'every node has stopped',
  serving: ({ pid, client, peer }) => `serves clients on ${client}, peers on ${peer} (pid ${pid})`,
  link_up: ({ peer }) => colour.dim(`connected to ${peer}`),
  link_down: ({ peer }) => colour.dim(`lost the connection to ${peer}`),
  message_unsent: ({ peer, type, reason }) => colour.yellow(`could not send a ${type} to ${peer}: ${reason}`),
  peer_refused: ({ peer, remote, reason }) =>
    colour.yellow(`turned away ${peer ?? remote} on the peer port: ${reason}`),
  invariant_broken: ({ message, stack }) => colour.red(`BROKEN INVARIANT, the node stops: ${message}\n${stack}`),
  node_died: ({ code, signal }) =>
    colour.red(`died (${signal ?? `exit code ${code}`}) and stays dead until \`restart\``),
  killed: () => colour.red('killed: whatever it had not written to disk is gone'),
  restarted: ({ pid }) => colour.green(`restarted (pid ${pid})`),
  paused: () => colour.yellow('paused: it neither answers nor refuses'),
  resumed: () => colour.green('resumed'),
  cut: ({ links }) => colour.yellow(`cut: what is sent ${(links as string[]).join(' and ')} is lost`),
  healed: () => colour.green('healed: every link carries again'),
  refused: ({ message }) => colour.red(String(message)),
}

/** Whether a person at the REPL should be interrupted by it; links come and go with their nodes. */
export function isNotable({ event }: Event): boolean {
  return !['link_up', 'link_down', 'serving'].includes(event)
}
