/** Wrappers that measure the parts of a node from outside: the parts themselves know nothing of it. */
import type { Codec, LogStore, SnapshotStore } from '../contracts.js'
import type { Files, OpenFile } from '../storage/files.js'

/** Hears how long a step took that has succeeded, in seconds. */
export type Took = (seconds: number) => void

async function timed<T>(step: Promise<T>, took: Took): Promise<T> {
  const began = performance.now()
  const result = await step
  took((performance.now() - began) / 1_000)
  return result
}

/** Times the durable writes of a log, and the saving of its snapshots. */
export function timedLog(log: LogStore, append: Took, save: Took): LogStore {
  return {
    open: () => log.open(),
    write: (batch) => timed(log.write(batch), append),
    close: () => log.close(),
    get snapshots() {
      return timedSnapshots(log.snapshots, save)
    },
  }
}

function timedSnapshots(store: SnapshotStore, save: Took): SnapshotStore {
  return {
    save: (header, body) => timed(store.save(header, body), save),
    load: (snapshot) => store.load(snapshot),
    read: (snapshot, offset, length) => store.read(snapshot, offset, length),
    receive: (chunk) => store.receive(chunk),
    hold: (snapshots) => store.hold(snapshots),
  }
}

/** Times the calls that end when bytes are on the disk: writes to a file that is opened for durable writes. */
export function timedFiles(files: Files, sync: Took): Files {
  const timedFile = (file: OpenFile): OpenFile => ({
    size: () => file.size(),
    read: (position, length) => file.read(position, length),
    write: (bytes, position) => timed(file.write(bytes, position), sync),
    truncate: (length) => file.truncate(length),
    sync: () => file.sync(),
    close: () => file.close(),
  })
  return {
    ...files,
    async open(path, mode, writes) {
      const file = await files.open(path, mode, writes)
      return writes === 'durable' ? timedFile(file) : file
    },
  }
}

/** Counts the messages that are encoded: those that a network did not lose before they left. */
export function countedCodec(codec: Codec, count: (type: string, bytes: number) => void): Codec {
  return {
    encode(message) {
      const bytes = codec.encode(message)
      count(message.type, bytes.byteLength)
      return bytes
    },
    decode: (bytes) => codec.decode(bytes),
  }
}
