import { openSession } from './open-session.js'
import { proposeCall } from './propose-call.js'
import { read } from './read.js'

/** The rules behind reads, writes, and the command that opens a session. */
export const interactionRequests = { read, write: proposeCall, open_session: openSession }
