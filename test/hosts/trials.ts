/** Trials of a cluster on hosts, each on a fresh one. */
export const trials = ['vanish', 'move', 'half-open', 'resolver', 'lines', 'far', 'chaos'] as const
export type Trial = (typeof trials)[number]
