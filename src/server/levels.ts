import { oneOf } from './shapes.js'

/** How weighty an event is, from the least on. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export const logLevelShape = oneOf(logLevels)

/** Checks whether an event of one level is told where events from another level on are wanted. */
export function isTold(level: LogLevel, from: LogLevel): boolean {
  return logLevels.indexOf(level) >= logLevels.indexOf(from)
}
