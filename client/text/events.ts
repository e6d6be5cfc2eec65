import type { AwaitedStatus, Event, EventDetails } from '../../src/contracts.js'
import { describeMissing } from '../../src/server/readiness.js'
import { escapedLines, jsonLine, mapTexts, shortened } from '../../src/text.js'
import type { CatchingUp } from '../cluster/change-members.js'
import { backupSentences } from './backup-events.js'
import { colour, nodeColour } from './colour.js'
import { bar } from './progress.js'

/** Describes an event in one readable line. */
export function describeEvent(event: Event): string {
  const { event: name, node, at: _at, ...details } = mapTexts(event, shown) as Event & Details
  const who = typeof node === 'string' ? nodeColour(node.padEnd(3)) : '   '
  return `${who} ${sentence(name, details)}`
}

/** Cuts and escapes a text of an event, which may hold a stranger's words; the stack of an error has several lines. */
const shown = (text: string) => shortened(escapedLines(text), shownLength)
const shownLength = 4_000

/**
 * Gives the sentence of an event. An event of another program may have a known name and lack the sentence's details.
 */
function sentence(name: string, details: Details): string {
  try {
    if (Object.hasOwn(sentences, name))
      return (sentences[name as Event['event']] as (details: object) => string)(details)
  } catch {}
  return `${name}${describeDetails(details)}`
}

function describeDetails(details: Record<string, unknown>): string {
  const texts = Object.entries(details).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? value : jsonLine(value)}`,
  )
  return texts.length > 0 ? `: ${texts.join(', ')}` : ''
}

type Details = Readonly<Record<string, unknown>>

function describeReady({ nodes, certs, ...what }: EventDetails['ready']): string {
  const list = nodes.map(({ id, client }) => `${nodeColour(id)} ${client}`)
  const asking = certs === undefined ? '' : `; ask with --certs ${certs}`
  return `${'engine' in what ? what.engine : `stage ${what.stage}`} is ready; Ctrl-C ends it: ${list.join('  ')}${asking}`
}

/** Describes cut links. When groups are split, links come in pairs, there and back. */
function describeCut(links: readonly string[]): string {
  const pairs = links.filter((_, at) => at % 2 === 0).map((link) => link.split('>'))
  const ones = new Set(pairs.map(([one]) => one))
  const others = new Set(pairs.map(([, other]) => other))
  const areParted = links.length > 2 && links.length === 2 * ones.size * others.size
  if (areParted) return `all that is sent between ${[...ones].join(' ')} and ${[...others].join(' ')} is lost`
  return `what is sent ${links.join(' and ')} is lost`
}

function describeCopies(copies: unknown): string {
  return Array.isArray(copies) && copies.length > 0 ? `; a copy is in ${copies.join(' ')}` : ''
}

const andMore = (unnoticed: unknown) => (unnoticed === undefined ? '' : ` (and ${unnoticed} more before, not shown)`)

const list = (ids: unknown) => (ids as readonly string[]).join(', ')

/** Describes the voters and learners, and in a joint configuration the outgoing voters, too. */
export function describeMembers(
  voters: readonly string[],
  outgoing: readonly string[] = [],
  learners: readonly string[] = [],
): string {
  const votes = outgoing.length > 0 ? `voters ${list(outgoing)} → ${list(voters)} (joint)` : `voters ${list(voters)}`
  return learners.length > 0 ? `${votes}; learners ${list(learners)}` : votes
}

/** Describes the nodes that a node waits for, and the time so far. */
export function describeAwaited({ for: awaited, ms }: AwaitedStatus): string {
  const who = awaited.map(({ id, peer }) => `${id} at ${peer}`)
  return `for ${who.join(', ')} (${Math.floor(ms / 1000)} s so far)`
}

/** The sentence of each event; the compiler checks that none is missing. */
const sentences: { readonly [Name in keyof EventDetails]: (details: EventDetails[Name]) => string } = {
  ready: describeReady,
  page: ({ address }) => `a page for this run: ${address}`,
  stopped: () => 'every node has stopped',
  serving: ({ pid, client, peer, app, metrics, tls }) =>
    `serves clients on ${client}, peers on ${peer}${app === undefined ? '' : `, gRPC on ${app}`}${metrics === undefined ? '' : `, metrics on http://${metrics}/metrics`}${tls ? ', with TLS' : ''} (pid ${pid})`,
  link_up: ({ peer }) => colour.dim(`connected to ${peer}`),
  link_down: ({ peer }) => colour.dim(`lost the connection to ${peer}`),
  message_unsent: ({ peer, type, reason }) => colour.yellow(`could not send a ${type} to ${peer}: ${reason}`),
  peer_refused: ({ peer, remote, reason, unnoticed }) =>
    colour.yellow(`turned away ${peer ?? remote} on the peer port: ${reason}${andMore(unnoticed)}`),
  protocol_mismatch: ({ peer, own, theirs }) =>
    colour.yellow(`does not talk with ${peer}: it speaks the protocol ${theirs}, and this node ${own}`),
  stage_mismatch: ({ peer, own, theirs }) =>
    colour.yellow(
      `does not talk with ${peer}, which runs stage ${theirs}, and this node ${own}: stop all nodes, and start them at one stage`,
    ),
  features_on: ({ features, index }) => `from entry ${index} on, all members use ${features.join(', ')}`,
  features_missing: ({ member, features }) =>
    colour.yellow(`${member} does not know ${features.join(', ')}, which this cluster uses: run this release there`),
  message_refused: ({ from, type, reason }) =>
    colour.yellow(`does not believe ${from}, and drops its ${type}: ${reason}`),
  invariant_broken: ({ message, stack }) => colour.red(`BROKEN INVARIANT, the node stops: ${message}\n${stack}`),
  results_differ: ({ replica, from, upTo }) =>
    `${replica} has performed the entries ${from} to ${upTo} with other results than the rest, and must stop`,
  sessions_end: ({ why, idleMs, session }) =>
    why === 'unused'
      ? colour.dim(`ends the sessions that were not used for ${Math.floor(idleMs! / 1000)} s`)
      : colour.yellow(`ends session ${session}: its client leaves too many answers unacknowledged`),
  pre_vote: ({ term }) => `hears no leader: asks whether it would be elected in term ${term}`,
  campaign: ({ term }) => `stands for election: asks for votes in term ${term}`,
  elected: ({ term, votes }) => colour.green(`LEADS term ${term}, elected by ${list(votes)}`),
  leads: ({ term }) => colour.green(`LEADS term ${term}`),
  handing_over: ({ to }) => `hands over to ${to}, which has all of its log`,
  handed_over: ({ to }) => `has handed over: ${to} leads`,
  handover_failed: ({ to }) => colour.yellow(`${to} did not take over`),
  quorum_lost: ({ term }) => colour.yellow(`leads term ${term} no more: no majority answers it`),
  founding_waits: (waited) => colour.yellow(`founds the cluster, and waits ${describeAwaited(waited)}`),
  waiting: (waited) => colour.yellow(`waits ${describeAwaited(waited)}`),
  message_lost: ({ peer, type, reason }) => colour.yellow(`gave up a ${type} to ${peer}: ${reason}`),
  client_refused: ({ remote, reason, unnoticed }) =>
    colour.yellow(`turned away the client ${remote ?? '(gone already)'}: ${reason}${andMore(unnoticed)}`),
  client_dropped: ({ remote, reason, unnoticed }) =>
    colour.yellow(`dropped the client ${remote ?? '(gone already)'}: ${reason}${andMore(unnoticed)}`),
  client_limited: ({ client, reason, unnoticed }) =>
    colour.yellow(`refused what the client ${client} asked: ${reason}${andMore(unnoticed)}`),
  token_refused: ({ remote, unnoticed }) =>
    colour.yellow(`refused the token of ${remote ?? '(gone already)'}${andMore(unnoticed)}`),
  tokens_read: ({ tokens }) => `counts these tokens from now on: ${tokens}`,
  tokens_unread: ({ message }) => colour.red(`goes on with the tokens that it had: ${message}`),
  certificate_expires: ({ expires, days }) =>
    colour.yellow(`has a certificate that expires in ${days} days, at ${expires}`),
  certificate_renewed: ({ expires }) => `has read its certificate again: it is valid until ${expires}`,
  certificate_kept: ({ message, expires }) =>
    colour.red(`keeps its certificate, valid until ${expires}: the new one cannot be used: ${message}`),
  node_failed: ({ message }) => colour.red(`fails: ${message}`),
  peer_unreachable: ({ peer, reason }) => colour.yellow(`cannot reach ${peer}: ${reason}`),
  deposed: ({ term, by }) => colour.yellow(`is deposed: it led term ${term}, and has heard of term ${by}`),
  truncated: ({ from, last }) =>
    colour.yellow(`takes back ${from === last ? `entry ${from}` : `entries ${from} to ${last}`}: the leader's differ`),
  snapshot: ({ index }) => colour.dim(`has a snapshot of entries 1 to ${index}`),
  snapshot_sent: ({ to, index, bytes }) =>
    `sends ${to}, which lacks what the log has let go, its snapshot of entries 1 to ${index} (${bytes} bytes)`,
  installed: ({ index }) => colour.green(`takes over the leader's snapshot of entries 1 to ${index}`),
  leader_silent: ({ leader }) =>
    colour.yellow(`has heard nothing from ${leader} for too long: nobody leads, as far as it knows`),
  log_damaged: ({ message }) => message,
  cannot_start: ({ message }) => colour.red(message),
  folder_refused: ({ message }) => colour.red(message),
  log_cut: ({ bytes, copies }) =>
    colour.yellow(
      `cut an unfinished write of ${bytes} bytes off its log; nobody was told that it was done${describeCopies(copies)}`,
    ),
  snapshot_damaged: ({ file, what, instead }) =>
    colour.yellow(
      `found a snapshot damaged (${file}: ${what}) and goes on from ${instead === 0 ? 'its first entry' : `that of entry ${instead}`}`,
    ),
  snapshot_failed: ({ message, retryMs }) =>
    colour.yellow(
      `has no room for a snapshot (${message}), and goes on without; it tries again in ${retryMs / 1000} s`,
    ),
  disk_low: ({ freeBytes, reserveBytes }) =>
    colour.yellow(
      `has ${freeBytes} bytes left on its disk, and holds ${reserveBytes} back: as leader it takes no writes until there is room`,
    ),
  disk_room: ({ freeBytes }) => colour.green(`has room on its disk again: ${freeBytes} bytes`),
  machine_behind: ({ bytes }) =>
    colour.yellow(
      `takes no more entries: those of ${bytes} bytes of memory wait for its state machine, which is slower than the log`,
    ),
  machine_in_time: () => colour.green('takes entries again: its state machine has caught up'),
  disk_waits: ({ message }) => colour.yellow(`waits for its disk: ${message}`),
  unreadable_output: ({ bytes, text, unnoticed }) =>
    colour.yellow(`printed a line of ${bytes} bytes that is no event: ${text}${andMore(unnoticed)}`),
  output_dropped: ({ lines, bytes }) =>
    colour.yellow(`dropped ${lines} lines of its output (${bytes} bytes): nobody took them in time`),
  trace_failed: ({ file, message }) => colour.yellow(`writes no trace any more to ${file}: ${message}`),
  starting: ({ seconds, for: missing }) =>
    colour.yellow(`starts, and waits for ${seconds} s already: ${describeMissing(missing)}`),
  not_ready: ({ for: missing }) => colour.red(`NOT READY, clients may not be served: ${describeMissing(missing)}`),
  all_dead: ({ code }) => colour.red(`no node lives any more, so this ends with exit code ${code}`),
  disk_failed: ({ message }) => colour.red(`THE DISK FAILED, the node stops: ${message}`),
  node_died: ({ code, signal }) =>
    colour.red(`died (${signal ?? `exit code ${code}`}) and stays dead until \`restart\``),
  killed: () => colour.red('killed: whatever it had not written to disk is gone'),
  started: ({ pid, client }) => `started (pid ${pid}), serves clients on ${client}; it waits to be taken in`,
  catching_up: ({ round, done, total, of }) => {
    if (round === 0) return 'is asked which disk it has'
    const what = of === 'bytes' ? 'a snapshot, bytes' : 'entries'
    return `catches up, round ${round}: ${what} ${done} of ${total}`
  },
  changed: ({ voters }) => colour.green(`done: the voters are ${list(voters)}`),
  left: () => 'its process has ended',
  members: ({ voters, outgoing, learners }) =>
    colour.cyan(`from now on: ${describeMembers(voters, outgoing, learners)}`),
  foreign_cluster: ({ member, origin, own }) =>
    colour.yellow(
      `has met ${member}, which belongs to another cluster of this name (its origin is ${origin}, ours ${own}): it is not heard`,
    ),
  disk_replaced: ({ member }) =>
    colour.yellow(
      `hears another disk as ${member} than the cluster admitted: it counts as lost until add_node takes it in`,
    ),
  disk_older: ({ member }) =>
    colour.red(
      `hears that ${member} has lost what it had acknowledged: its disk is an older one, and counts as lost. Start it with an empty folder, then add_node`,
    ),
  displaced: ({ why }) =>
    colour.yellow(
      why === 'older'
        ? 'hears that its folder is older than what it had acknowledged: it rests'
        : 'hears that the cluster knows another disk under its name: it rests',
    ),
  doubled: ({ address }) =>
    colour.red(
      `hears that ${address} has the same name and disk, and is heard instead: one of the two is a copy of its folder. It rests; stop one of the two`,
    ),
  double_gone: ({ address }) => colour.green(`goes on: nobody hears its double at ${address} any more`),
  founding_unconfirmed: ({ client }) =>
    colour.yellow(
      `founds nothing by --bootstrap alone, since it could ask nobody whether there is a cluster already. If there is none, once: npx raft-roadmap client --connect ${client} found_cluster`,
    ),
  not_founded: ({ member, origin }) =>
    colour.yellow(`founds nothing: ${member} belongs to a cluster already (its origin is ${origin})`),
  removed: () => colour.yellow('hears that it is no member any more'),
  retired: ({ term }) => colour.yellow(`led term ${term} until it was out of the cluster, and leads no more`),
  restarted: ({ pid }) => colour.green(pid === undefined ? 'restarted' : `restarted (pid ${pid})`),
  wiped: () => colour.red('wiped: its disk is empty, and it does not know any more for whom it voted'),
  ended: () => 'has ended, as it was asked to',
  launched: ({ pid, client, peer }) => `started (pid ${pid}): clients on ${client}, peers on ${peer}`,
  running: ({ pid, client, peer }) => `runs already (pid ${pid}): clients on ${client}, peers on ${peer}`,
  not_started: ({ message }) => colour.red(`stays down: ${message}`),
  not_running: ({ answers, pid }) =>
    answers === undefined ? 'does not run' : `was not started from here, and goes on: ${answers} answers (pid ${pid})`,
  no_member: ({ client, peer }) =>
    colour.yellow(`runs, and is no member yet: raft-roadmap client add_node <its name> ${client} ${peer}`),
  cluster_serves: ({ cluster, leader, logs, certs }) =>
    `${cluster} serves${leader === null ? '' : `, and ${nodeColour(leader)} leads`}; what the nodes keep and say is in ${logs}${certs === undefined ? '' : `; ask with --certs ${certs}`}`,
  folders_deleted: ({ folders }) => `deleted: ${folders.join(', ')}`,
  paused: () => colour.yellow('paused: it neither answers nor refuses'),
  resumed: () => colour.green('resumed'),
  cut: ({ links }) => colour.yellow(`cut: ${describeCut(links)}`),
  slowed: ({ factor }) => (factor === 1 ? 'time passes as usual' : `slow motion: ${factor} times slower`),
  timed_out: () => colour.yellow('is made to wait no longer: its time-out runs out now'),
  unplugged: () => 'is cut off: its cable is pulled, and every packet is lost',
  plugged: () => 'has its cable plugged in again',
  moved: ({ address }) => `has another address now, ${address}; its old one is gone`,
  queued: ({ queue }) => (queue === null ? 'sends its packets as usual again' : `sends its packets by ${queue}`),
  narrowed: ({ rate }) =>
    rate === null ? 'has a line as fast as usual again' : `has a line of ${rate} a second, each way`,
  delayed: ({ minMs, maxMs }) =>
    maxMs === 0 ? 'sends its packets without delay again' : `sends packets that take ${rangeOf(minMs, maxMs)} longer`,
  apart: ({ sites, ms }) =>
    ms === 0
      ? 'all hosts are near each other again'
      : `from one site to another, packets take ${ms} ms: ${sites.map((site) => site.join(',')).join(' ')}`,
  lossy: ({ percent }) => (percent === 0 ? 'gets all packets again' : `loses ${percent} % of the packets to it`),
  limited: ({ mtu }) => `sends and takes packets of ${mtu} bytes at most`,
  deafened: () => 'takes no new connection: the first packet of each is lost',
  resolver: ({ silent }) => (silent ? 'whoever looks up a name gets no answer' : 'names are found again'),
  healed: () => colour.green('healed: every link carries again'),
  ...backupSentences,
  refused: ({ code, message }) => colour.red(`${code ? `refused ${code}: ` : ''}${message}`),
  unknown: ({ code, message }) => colour.yellow(`unknown ${code}: ${message}`),
}

const rangeOf = (minMs: number, maxMs: number) => (minMs === maxMs ? `${maxMs} ms` : `${minMs} to ${maxMs} ms`)

/** Describes a newcomer's progress as a bar. */
export function describeBar(event: CatchingUp): string {
  const { node, round, done, total, of } = mapTexts(event, shown) as CatchingUp
  const who = nodeColour(String(node))
  if (round === 0) return `${who} is asked which disk it has`
  const [part, whole] = [Number(done), Number(total)]
  return `${who} ${bar(part, whole)} ${part}/${whole} ${String(of)}${colour.dim(`, round ${String(round)}`)}`
}

/**
 * Checks whether an event may interrupt a person at the REPL. Links come and go with their nodes, snapshots by
 * themselves.
 */
export function isNotable({ event }: Event): boolean {
  return !['link_up', 'link_down', 'serving', 'snapshot'].includes(event)
}
