import type { Event, EventDetails } from '../../src/contracts.js'
import { isTold, type LogLevel } from '../../src/server/levels.js'
import { jsonLine } from '../../src/text.js'

/**
 * The level of each event; the compiler checks that none is missing. `debug` is what a healthy cluster does all the
 * time, `info` what changes, `warn` what an operator should look at, `error` what has failed and stays so.
 */
const levels: { readonly [Name in keyof EventDetails]: LogLevel } = {
  ready: 'info',
  protocol_mismatch: 'warn',
  bytes_done: 'debug',
  backed_up: 'info',
  verified: 'info',
  restored: 'info',
  log_end: 'info',
  best_survivor: 'info',
  would_recover: 'info',
  recovered: 'info',
  stage_mismatch: 'warn',
  features_on: 'info',
  features_missing: 'warn',
  unplugged: 'info',
  plugged: 'info',
  moved: 'info',
  queued: 'info',
  lossy: 'info',
  limited: 'info',
  deafened: 'info',
  resolver: 'info',
  page: 'info',
  stopped: 'info',
  serving: 'info',
  link_up: 'debug',
  link_down: 'debug',
  message_unsent: 'warn',
  peer_refused: 'warn',
  message_refused: 'warn',
  invariant_broken: 'error',
  results_differ: 'error',
  sessions_end: 'debug',
  pre_vote: 'info',
  campaign: 'info',
  elected: 'info',
  handing_over: 'info',
  handed_over: 'info',
  handover_failed: 'warn',
  quorum_lost: 'warn',
  founding_waits: 'warn',
  waiting: 'warn',
  message_lost: 'warn',
  client_refused: 'warn',
  client_dropped: 'warn',
  client_limited: 'warn',
  token_refused: 'warn',
  tokens_read: 'info',
  tokens_unread: 'error',
  node_failed: 'error',
  peer_unreachable: 'warn',
  deposed: 'warn',
  truncated: 'warn',
  snapshot: 'debug',
  snapshot_sent: 'info',
  installed: 'info',
  leader_silent: 'warn',
  log_damaged: 'error',
  cannot_start: 'error',
  folder_refused: 'error',
  log_cut: 'warn',
  snapshot_damaged: 'warn',
  snapshot_failed: 'warn',
  disk_low: 'warn',
  disk_room: 'info',
  disk_waits: 'warn',
  unreadable_output: 'warn',
  output_dropped: 'warn',
  trace_failed: 'warn',
  starting: 'info',
  not_ready: 'error',
  all_dead: 'error',
  disk_failed: 'error',
  node_died: 'error',
  killed: 'info',
  started: 'info',
  catching_up: 'debug',
  changed: 'info',
  left: 'info',
  members: 'info',
  foreign_cluster: 'warn',
  disk_replaced: 'warn',
  disk_older: 'error',
  displaced: 'warn',
  doubled: 'error',
  double_gone: 'info',
  founding_unconfirmed: 'warn',
  not_founded: 'warn',
  removed: 'warn',
  retired: 'info',
  restarted: 'info',
  wiped: 'warn',
  ended: 'info',
  launched: 'info',
  running: 'info',
  not_started: 'error',
  not_running: 'warn',
  no_member: 'warn',
  cluster_serves: 'info',
  folders_deleted: 'info',
  paused: 'info',
  resumed: 'info',
  cut: 'info',
  slowed: 'info',
  timed_out: 'info',
  healed: 'info',
  refused: 'warn',
  unknown: 'warn',
}

/** Gives the level of an event; `info` of an event of another program. */
export function levelOf({ event }: Pick<Event, 'event'>): LogLevel {
  return Object.hasOwn(levels, event) ? levels[event] : 'info'
}

/** Checks whether an event is told where events from a level on are wanted. */
export function isWanted(event: Event, from: LogLevel): boolean {
  return isTold(levelOf(event), from)
}

/** Writes an event as a line of NDJSON, with its level, and its time in milliseconds since 1970. */
export function logLine(event: Event): string {
  const { event: name, ...details } = event
  return jsonLine({ event: name, level: levelOf(event), at: Date.now(), ...details })
}
