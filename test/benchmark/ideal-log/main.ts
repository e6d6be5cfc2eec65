/**
 * One node of the ideal replicated log: the limit that a cluster of ours is measured against. It replicates, syncs and
 * waits for a majority as Raft does, and leaves out all that makes Raft safe: no terms, no elections, no log repair.
 * It is deliberately written without the project's node, rules and checks.
 */
import { startFollower } from './follower.js'
import { Leader } from './leader.js'

/** What a node is told, as JSON in its first argument. */
export interface IdealNode {
  /** The file for its log. */
  readonly path: string
  /** The ports of the followers, if this node is to lead them. */
  readonly followers: readonly number[] | null
}

process.on('disconnect', () => process.exit())
// Ctrl-C goes to the whole process group; what it means is for the starter to decide.
process.on('SIGINT', () => {})

const { path, followers } = JSON.parse(process.argv[2]!) as IdealNode
const listening = (port: number) => process.send!(port)
if (followers) new Leader(path, followers).listen(listening)
else startFollower(path, listening)
