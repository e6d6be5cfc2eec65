import { fileURLToPath } from 'node:url'
import type { Stage } from '../../src/stage.js'
import naive from '../../stages/2-naive-replication/stage.js'

/** What the networks are tested with: a stage's messages, and one of our own that carries bytes. No node is made of it. */
export const stage: Stage = {
  ...naive,
  wire: {
    ...naive.wire,
    InstallPiece: ({ sequence, offset, bytes, sha256, data }) =>
      [sequence, offset, bytes].every(Number.isSafeInteger) && typeof sha256 === 'string' && data instanceof Uint8Array,
  },
  proto: [...naive.proto, fileURLToPath(new URL('../../../test/network/piece.proto', import.meta.url))],
}
