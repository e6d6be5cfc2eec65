/** Limits of what a client may send, and of what all stores together may hold. All nodes of a cluster have the same. */
export const limits = {
  /** Numbers of a vector. */
  dimension: 4_096,
  stores: 1_000,
  /** Bytes of UTF-8 of a store's name. */
  storeBytes: 128,
  /** Bytes of UTF-8 of an item's id. */
  idBytes: 512,
  /** Items of one `set`, and ids of one `delete`. */
  items: 500,
  /** Ids of one `get`. */
  gotten: 100,
  /** Keys of an item's metadata, and keys of a `where`. */
  keys: 16,
  /** Keys of the metadata of all items of one `set`. */
  allKeys: 1_000,
  /** Bytes of an item's metadata as JSON. */
  metadataBytes: 4 * 1024,
  /** Bytes of a `set` as JSON: as many as a value of the key-value store has. */
  setBytes: 1024 * 1024,
  /** Items of one answer to `nearest`. */
  nearest: 1_000,
  /** Items of an answer to a `nearest` that names no `k`. */
  usualNearest: 10,
  /** Bytes of all stores together: vectors, ids, metadata, and {@link itemBytes} for each item. */
  bytes: 1024 ** 3,
  /** Bytes for which an item counts besides its vector, its id and its metadata. */
  itemBytes: 64,
} as const
