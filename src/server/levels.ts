import { oneOf } from './shapes.js'

/** Levels of events, from the least weighty on. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export const logLevelShape = oneOf(logLevels)

/** Checks whether an event of one level is told where events from another level on are wanted. */
export function isTold(level: LogLevel, from: LogLevel): boolean {
  return logLevels.indexOf(level) >= logLevels.indexOf(from)
}
