import { shape } from '../../src/command-shape.js'

/** The command with which a client opens a session. */
export const interactionCommands = {
  open_session: shape(
    'open_session',
    {},
    {
      help: 'open a session: a write with its "session" and a "sequence" happens once',
      readOnly: false,
      role: 'write',
    },
  ),
}
