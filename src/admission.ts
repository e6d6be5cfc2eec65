import type { Refusal } from './requests.js'

/**
 * The room that a node has for more commands, as its rules see it. A leader asks before it proposes a command. Nobody
 * asks about an entry: what is in the log is performed, on every node alike, whatever room that node has.
 */
export interface Admission {
  /** True if every command is admitted at present: then nothing is counted. */
  readonly isOpen: boolean
  /** True while the disk is nearly full: another node should rather lead. */
  readonly isDiskLow: boolean
  /** Bytes by which a command may let the state grow, at most; 0 for a command that frees room. */
  growthOf(command: unknown): number
  /**
   * Decides about a command.
   *
   * @param growth as {@link growthOf} has it
   * @param underWay the growth of all commands that are proposed and not performed
   * @returns the refusal; null if the command may be proposed
   */
  refusal(growth: number, underWay: number): Refusal | null
  /** Facts that `info` tells of the room. */
  readonly facts: Readonly<Record<string, unknown>>
}
