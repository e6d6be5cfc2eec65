/** The signal SIGHUP, by which an operator has a node read again what stands in files: certificates, tokens. */

/** Acts that are performed at the signal. */
const acts = new Set<() => void | Promise<void>>()

/** Registers an act for each SIGHUP from here on. An act reports its own failures. @returns removes it */
export function onHangup(act: () => void | Promise<void>): () => void {
  if (acts.size === 0) process.on('SIGHUP', perform)
  acts.add(act)
  return () => {
    acts.delete(act)
    if (acts.size === 0) process.removeListener('SIGHUP', perform)
  }
}

/** Tells whether something is registered, so that SIGHUP does not end the node. */
export function hearsHangup(): boolean {
  return acts.size > 0
}

function perform(): void {
  for (const act of acts) void act()
}
