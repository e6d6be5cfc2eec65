import { callInSession, takeNumbered } from './number-calls.js'
import { elapsedWithPatience } from './patience.js'
import { answeredInSession, disconnectedInSession } from './repeat.js'
import { sessionClient } from './session-client.js'

/** The client's rules that this stage changes. */
export const inSession = {
  state: sessionClient,
  call: callInSession,
  answered: answeredInSession,
  disconnected: disconnectedInSession,
  elapsed: elapsedWithPatience,
  take: takeNumbered,
}
