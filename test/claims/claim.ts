import type { Stage } from '../../src/stage.js'

/**
 * What the paper says of a node, put to the cores of a stage by hand; throws where it does not hold. Claims know only
 * what every stage with a log has in common, so that each is put to all later stages, and to wrong rules, too.
 */
export type Claims = Readonly<Record<string, (stage: Stage) => void>>
