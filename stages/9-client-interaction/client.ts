import { callInSession } from './number-calls.js'
import { answeredInSession } from './repeat.js'
import { sessionClient } from './session-client.js'
import { takeNumbered } from './take-numbered.js'

/** The client's rules that this stage changes. */
export const inSession = { state: sessionClient, call: callInSession, answered: answeredInSession, take: takeNumbered }
