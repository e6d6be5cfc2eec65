/**
 * SIGHUP, by which an operator asks a process to read its files again. A process in which nobody wants that ends by it,
 * as is usual.
 */
type Act = () => void | Promise<void>

const acts = new Set<Act>()

function heard(): void {
  for (const act of acts) void act()
}

/** Registers an act for each SIGHUP. An act handles its own errors. @returns a function that removes the act */
export function onHangup(act: Act): () => void {
  if (acts.size === 0) process.on('SIGHUP', heard)
  acts.add(act)
  return () => {
    if (acts.delete(act) && acts.size === 0) process.removeListener('SIGHUP', heard)
  }
}

/** Checks whether an act is registered, so that SIGHUP does not end the process. */
export function hearsHangup(): boolean {
  return acts.size > 0
}
