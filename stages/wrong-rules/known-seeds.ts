/** The seed at which each wrong rule was seen to break its guarantee. Written by `npm run seeds`. */
export const knownSeeds: Readonly<Record<string, number>> = {}
