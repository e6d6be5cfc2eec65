/** A disk that fills up under load: a real file system of a few MiB. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const inside = fileURLToPath(new URL('../hosts/full-disk.js', import.meta.url))

/** Tells why no small file system can be mounted here; false if one can. */
function obstacle(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'a tmpfs of its own needs Linux and root'
  const mounting = ['--mount', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/mnt']
  return spawnSync('unshare', mounting).status === 0 ? false : 'no file system can be mounted here'
}

t.test('a disk that fills up', { skip: obstacle() }, async (t) => {
  await t.spawn(
    'unshare',
    ['--mount', process.execPath, inside],
    { env: process.env },
    'in a mount namespace of its own',
  )
})
